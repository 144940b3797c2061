/* Times in the browser's own zone, with UTC on hover; and the reasons given lately, to pick from. */
(() => {
  "use strict";

  const format = new Intl.DateTimeFormat("en-GB", {
    day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hour12: false,
  });

  function localize(root) {
    for (const time of root.querySelectorAll("time[datetime].pulse-moment:not([data-local])")) {
      const moment = new Date(time.dateTime);
      if (Number.isNaN(moment.getTime())) continue;
      time.dataset.local = "";
      time.textContent = format.format(moment);
    }
    // What names UTC beside a time or above a column of them.
    for (const zone of root.querySelectorAll("[data-zone]")) zone.hidden = true;
    for (const head of root.querySelectorAll("th")) {
      const texts = document.createTreeWalker(head, NodeFilter.SHOW_TEXT);
      while (texts.nextNode()) {
        texts.currentNode.data = texts.currentNode.data.replace(" (UTC)", "");
      }
    }
  }

  function pick(event) {
    const button = event.target.closest("[data-reason]");
    const field = button && button.closest("form").elements.reason;
    if (field) {
      field.value = button.dataset.reason;
      field.focus();
    }
  }

  document.addEventListener("DOMContentLoaded", () => localize(document));
  document.addEventListener("htmx:load", (event) => localize(event.detail.elt.parentNode || document));
  document.addEventListener("click", pick);
})();
