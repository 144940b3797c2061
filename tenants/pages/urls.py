"""The routes of an organization's pages, all of them a tenant's."""

from django.urls import path

from tenants.pages import domain_verbs, invitations, members, sso, sso_verbs, support, tokens
from tenants.pages.member_verbs import VERBS

tenant = [
    path("", members.Start.as_view(), name="start"),
    path("members/", members.Members.as_view(), name="members"),
    path("members/<uuid:public_id>/", members.Member.as_view(), name="member"),
    *(
        path(f"members/<uuid:public_id>/{route.removeprefix('member-')}/", verb.as_view(), name=route)
        for route, verb in VERBS.items()
    ),
    path("leave/", members.Leave.as_view(), name="leave"),
    path("invitations/new/", invitations.Invite.as_view(), name="invite"),
    path("invitations/<int:invitation_id>/resend/", invitations.Resend.as_view(), name="invitation-resend"),
    path("invitations/<int:invitation_id>/revoke/", invitations.Revoke.as_view(), name="invitation-revoke"),
    path("tokens/", tokens.Tokens.as_view(), name="tokens"),
    path("tokens/new/", tokens.Make.as_view(), name="token-make"),
    path("tokens/<int:token_id>/rotate/", tokens.Rotate.as_view(), name="token-rotate"),
    path("tokens/<int:token_id>/revoke/", tokens.Revoke.as_view(), name="token-revoke"),
    path("support/", support.Support.as_view(), name="support"),
    path("support/end/", support.End.as_view(), name="support-end"),
    path("support/let-write/", support.LetWrite.as_view(), name="support-let-write"),
    path("support/let-only-read/", support.LetOnlyRead.as_view(), name="support-let-only-read"),
    path("sso/", sso.Sso.as_view(), name="sso"),
    *(path(f"sso/{verb}/", view.as_view(), name=f"sso-{verb}") for verb, view in sso_verbs.VERBS.items()),
    path("sso/domain-claim/", domain_verbs.ClaimDomain.as_view(), name="sso-domain-claim"),
    path("sso/domains/<int:claim_id>/check/", domain_verbs.CheckDomain.as_view(), name="sso-domain-check"),
    path(
        "sso/domains/<int:claim_id>/release/", domain_verbs.ReleaseDomain.as_view(), name="sso-domain-release"
    ),
    path("sso/members/<uuid:public_id>/end/", sso_verbs.EndSessions.as_view(), name="sso-end"),
    path("sso/members/<uuid:public_id>/release/", sso_verbs.Release.as_view(), name="sso-release"),
]
