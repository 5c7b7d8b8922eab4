"""Every page of the console that can be opened, with what it takes to see it. Who adds a page adds a line here."""

from __future__ import annotations

from worker.domain.staff import Permission

EVERYONE = None

PAGES: dict[str, Permission | None] = {
    "/": Permission.SEE_HEALTH,
    "/upcoming": Permission.SEE_LEADS,
    "/sequences": Permission.SEE_CONTENT,
    "/sequences/depression": Permission.SEE_CONTENT,
    "/studio": Permission.SEE_CONTENT,
    "/studio/email/first-visit?view=inbox": Permission.SEE_CONTENT,
    "/studio/calendar?condition=depression&location=albany": Permission.SEE_CONTENT,
    "/studio/changes": Permission.SEE_CONTENT,
    "/studio/edit/emails/first-visit.md": Permission.EDIT_CONTENT,
    "/studio/edit/sequences/depression.toml": Permission.EDIT_CONTENT,
    "/studio/edit/claims.toml": Permission.EDIT_CONTENT,
    "/studio/away/emails/risks.md": Permission.EDIT_CONTENT,
    "/studio/new": Permission.EDIT_CONTENT,
    "/studio/steps/depression": Permission.EDIT_CONTENT,
    "/studio/steps/depression/session": Permission.EDIT_CONTENT,
    "/studio/publish": Permission.PUBLISH_CONTENT,
    "/parked": Permission.OPERATE,
    "/forms": Permission.OPERATE,
    "/forms/clinic": Permission.OPERATE,
    "/webhooks": Permission.MANAGE_ENDPOINTS,
    "/webhooks/add": Permission.MANAGE_ENDPOINTS,
    "/webhooks/{endpoint}": Permission.MANAGE_ENDPOINTS,
    "/webhooks/{endpoint}/change": Permission.MANAGE_ENDPOINTS,
    "/unknown": Permission.OPERATE,
    "/pauses": Permission.OPERATE,
    "/deliverability": Permission.SEE_LEADS,
    "/deliverability/doctor": Permission.OPERATE,
    "/reports": Permission.SEE_LEADS,
    "/reports?days=365&location=carbondale": Permission.SEE_LEADS,
    "/audit": Permission.SEE_AUDIT,
    "/audit?by=nobody": Permission.SEE_AUDIT,
    "/front-desk": Permission.SEE_LEADS,
    "/front-desk?location=albany": Permission.SEE_LEADS,
    "/leads": Permission.SEE_LEADS,
    "/leads?status=patient": Permission.SEE_LEADS,
    "/leads/{lead}": Permission.SEE_LEADS,
    "/leads/{danger}": Permission.SEE_LEADS,
    "/leads/{lead}/emails/{sent}": Permission.SEE_LEADS,
    "/leads/{lead}/export": Permission.EXPORT_LEADS,
    "/leads/{lead}/erase": Permission.ERASE_LEADS,
    "/quarantine": Permission.SEE_LEADS,
    "/quarantine/{suspect}": Permission.SEE_LEADS,
    "/users": Permission.MANAGE_USERS,
    "/users/add": Permission.MANAGE_USERS,
    "/users/viewer": Permission.MANAGE_USERS,
    "/account": EVERYONE,
    "/prove": EVERYONE,
    "/nothing": EVERYONE,
}
"""Addresses as they are typed, each with the permission that it needs. The demonstration's data stands behind them."""

BEFORE_SIGNING_IN = ["/sign-in", "/welcome/{link}", "/welcome/nothing"]
