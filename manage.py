#!/usr/bin/env python
"""Pulse's command line."""

import os
import sys
import traceback

# Of `readiness` 1 is an answer, and this is none: the same as in its command.
NO_ANSWER = 3

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pulse.settings")
    try:
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)
    except Exception:
        traceback.print_exc()
        sys.exit(NO_ANSWER if sys.argv[1:2] == ["readiness"] else 1)
