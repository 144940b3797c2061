"""The routes of tenants, by who calls them."""

from django.urls import path

from tenants.api import (
    care_views,
    connection_views,
    invitation_code_views,
    member_views,
    operator_views,
    public_views,
    sso_views,
    support_views,
    tenant_views,
)

public = [path("signup", public_views.Signup.as_view(), name="signup")]

# A person's own, in whichever organization.
me = [
    path("organizations", member_views.MyOrganizations.as_view(), name="my-organizations"),
    path("organization", member_views.Choose.as_view(), name="choose-organization"),
]

operator = [
    path("reaper", care_views.Reaper.as_view(), name="reaper"),
    path("schedules", care_views.Schedules.as_view(), name="schedules"),
    path("schedules/<slug:name>/run", care_views.RunSchedule.as_view(), name="run-schedule"),
    path("invitation-codes", invitation_code_views.InvitationCodes.as_view(), name="invitation-codes"),
    path(
        "invitation-codes/<int:code_id>/revoke",
        invitation_code_views.RevokeInvitationCode.as_view(),
        name="revoke-invitation-code",
    ),
    path("orgs", operator_views.OrganizationList.as_view(), name="orgs"),
    path("orgs/<str:organization_id>", operator_views.OrganizationDetail.as_view(), name="org"),
    path("orgs/<str:organization_id>/suspend", operator_views.Suspend.as_view(), name="suspend"),
    path("orgs/<str:organization_id>/unsuspend", operator_views.Unsuspend.as_view(), name="unsuspend"),
    path(
        "orgs/<str:organization_id>/soft-delete",
        operator_views.SoftDelete.as_view(),
        name="soft-delete",
    ),
    path("orgs/<str:organization_id>/restore", operator_views.Restore.as_view(), name="restore"),
    path(
        "orgs/<str:organization_id>/end-retention",
        operator_views.EndRetention.as_view(),
        name="end-retention",
    ),
    path("orgs/<str:organization_id>/support-access", support_views.LookIn.as_view(), name="look-in"),
    path("orgs/<str:organization_id>/events", operator_views.Events.as_view(), name="events"),
    path("orgs/<str:organization_id>/export", operator_views.Export.as_view(), name="export"),
    path("orgs/<str:organization_id>/verify", operator_views.Verify.as_view(), name="verify"),
]

tenant = [
    path("", tenant_views.CurrentOrganization.as_view(), name="current"),
    path("/members", member_views.Members.as_view(), name="members"),
    path("/members/<uuid:public_id>", member_views.Member.as_view(), name="member"),
    path("/members/<uuid:public_id>/sign-out", member_views.SignOut.as_view(), name="member-sign-out"),
    path("/members/<uuid:public_id>/owner", member_views.AddOwner.as_view(), name="member-owner"),
    path(
        "/members/<uuid:public_id>/transfer",
        member_views.TransferOwnership.as_view(),
        name="member-transfer",
    ),
    path("/support", support_views.SupportSetting.as_view(), name="support"),
    path("/support/accesses", support_views.SupportAccesses.as_view(), name="support-accesses"),
    path("/support/end", support_views.EndSupport.as_view(), name="support-end"),
    path("/sso", connection_views.Sso.as_view(), name="sso-connection"),
    path("/sso/enable", connection_views.Enable.as_view(), name="sso-enable"),
    path("/sso/disable", connection_views.Disable.as_view(), name="sso-disable"),
    path("/sso/require", connection_views.RequireSso.as_view(), name="sso-require"),
    path("/sso/allow-passwords", connection_views.AllowPasswords.as_view(), name="sso-allow-passwords"),
    path("/sso/emergency-owner", connection_views.EmergencyOwner.as_view(), name="sso-emergency-owner"),
    path("/sso/groups", connection_views.Groups.as_view(), name="sso-groups"),
    path("/sso/test", connection_views.Probe.as_view(), name="sso-test"),
    path("/sso/members", connection_views.Vouched.as_view(), name="sso-members"),
    path("/sso/members/<uuid:public_id>/release", connection_views.Release.as_view(), name="sso-release"),
    path("/sso/domains", sso_views.Domains.as_view(), name="sso-domains"),
    path("/sso/domains/<int:claim_id>", sso_views.Domain.as_view(), name="sso-domain"),
    path("/sso/domains/<int:claim_id>/check", sso_views.CheckDomain.as_view(), name="sso-domain-check"),
    path("/leave", member_views.Leave.as_view(), name="leave"),
    path("/invitations", member_views.Invitations.as_view(), name="invitations"),
    path(
        "/invitations/<int:invitation_id>", member_views.InvitationDetail.as_view(), name="invitation-detail"
    ),
    path(
        "/invitations/<int:invitation_id>/resend",
        member_views.ResendInvitation.as_view(),
        name="invitation-resend",
    ),
    path("/tokens", tenant_views.Tokens.as_view(), name="tokens"),
    path("/tokens/<int:token_id>", tenant_views.Token.as_view(), name="token"),
    path("/tokens/<int:token_id>/rotate", tenant_views.RotateToken.as_view(), name="token-rotate"),
]

edge = [
    path("check", tenant_views.edge_check, name="edge-check"),
    path("refusal", tenant_views.edge_refusal, name="edge-refusal"),
]
