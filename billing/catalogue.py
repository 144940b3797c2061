"""What can be sold: capabilities, limits and meters, and the plans that ship. Other names are refused."""

CAPABILITIES = {
    "api": "Tokens and the tenant API",
    "custom_roles": "Roles of their own",
    "audit_export": "Export of the audit log",
    "sso": "Single sign-on",
    "priority_support": "Priority support",
}
LIMITS = {
    "seats": "Members",
    "tokens": "API tokens",
    "requests_per_minute": "Requests a minute, when above the default of PULSE_TENANT_RATE",
    "nodes": "Nodes that the product manages",
}
METERS = {
    "api_requests": "Requests to the tenant API",
    "storage_gigabytes": "Stored gigabytes",
}

TRIAL_DAYS = 14
# How long a customer whose payment failed keeps the service.
GRACE_DAYS = 14

# id: name, capabilities, limits, meters
PLANS: dict[str, tuple[str, list[str], dict[str, int], list[str]]] = {
    "trial": ("Trial", ["api", "custom_roles"], {"seats": 5, "tokens": 5, "nodes": 10}, []),
    "starter": ("Starter", ["api"], {"seats": 5, "tokens": 10, "nodes": 25}, ["api_requests"]),
    "team": (
        "Team",
        ["api", "custom_roles", "audit_export"],
        {"seats": 50, "tokens": 100, "nodes": 250, "requests_per_minute": 4000},
        ["api_requests", "storage_gigabytes"],
    ),
    "business": (
        "Business",
        list(CAPABILITIES),
        {"seats": 500, "tokens": 1000, "nodes": 2500, "requests_per_minute": 10_000},
        ["api_requests", "storage_gigabytes"],
    ),
}
