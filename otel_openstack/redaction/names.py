"""Whose values are masked: names of headers, and names in bodies and queries, by where each comes from.

All are in lower case and matched as a whole in any case, as services take header names and some parameters.
"""

from __future__ import annotations

import re

TOKEN_HEADERS = frozenset(
    {
        # Identity API v3 and keystonemiddleware
        "x-auth-token", "x-subject-token", "x-service-token", "openstack-identity-token",
        # Object Storage API v1
        "x-storage-token", "x-container-sync-auth",
        # nova's metadata proxy and dynamic vendor data; ironic's agent
        "x-instance-id-signature", "x-metadata-provider-signature", "x-vendordata-token",
        "x-openstack-ironic-callback-token",
        # zaqar's pre-signed queues
        "url-signature",
        # RFC 9110, RFC 6265 and the clouds around
        "authorization", "proxy-authorization", "cookie", "set-cookie", "x-amz-security-token", "x-vault-token",
    }
)  # fmt: skip
"""Headers whose value is a token."""

SECRET_HEADERS = frozenset(
    {
        # Object Storage API v1: authentication, temporary URLs, container synchronisation; heat takes x-auth-key too
        "x-auth-key", "x-storage-pass", "x-container-sync-key", "x-container-meta-sync-key",
        "x-account-meta-temp-url-key", "x-account-meta-temp-url-key-2",
        "x-container-meta-temp-url-key", "x-container-meta-temp-url-key-2",
        # Object Storage: keys of the S3 API's customers
        "x-amz-server-side-encryption-customer-key", "x-amz-copy-source-server-side-encryption-customer-key",
        "x-api-key",
    }
)  # fmt: skip
"""Headers whose value is a secret that somebody chose: the digest of a short one could be guessed."""

PLAIN_HEADERS = frozenset(
    {
        "host", "date", "connection", "content-type", "content-length", "content-encoding", "transfer-encoding",
        "accept", "accept-encoding", "vary", "keep-alive", "traceparent", "x-openstack-request-id",
        "x-compute-request-id", "x-trans-id", "x-requestshook-request-id", "x-requestshook-request-from",
    }
)  # fmt: skip
"""Headers that by their grammar hold no secret, and that nearly every message has: nothing is looked for in them."""

TOKEN_NAMES = TOKEN_HEADERS | {
    # Identity API v3: what a console, an OAuth 1.0a or 2.0 consumer, or an OpenID client holds
    "token", "auth_token", "authtoken", "access_token", "refresh_token", "id_token", "oauth_token", "oauth_verifier",
    "session_token", "subject_token",
    # keystonemiddleware and PEP 3333: headers as an application's environment has them, in tracebacks
    "admin_token", "service_token", "http_x_auth_token", "http_x_subject_token", "http_x_service_token",
    "http_x_storage_token", "http_authorization", "http_cookie",
    # ironic's agent, WS-Security 1.1 in SAML's neighbourhood, kubernetes clusters of magnum
    "agent_token", "agent_secret_token", "binarysecuritytoken", "bearer_token",
}  # fmt: skip
"""Names in bodies and queries whose value is a token."""

SECRET_NAMES = SECRET_HEADERS | {
    # Identity API v3: password, time-based one-time password, application credentials, EC2 credentials and their
    # requests, OS-CREDENTIAL, OAuth 1.0a and 2.0, federation
    "password", "original_password", "passcode", "secret", "access", "signature", "blob", "client_secret",
    "client_assertion", "assertion", "samlresponse", "oauth_token_secret", "oauth_signature", "consumer_secret",
    # Compute API: servers, keypairs, rebuild, rescue; metadata service
    "adminpass", "admin_pass", "user_data", "userdata", "private_key",
    # Block Storage API and os-brick: what connection_info holds for an initiator (CHAP, Ceph), and drivers
    "auth_password", "discovery_auth_password", "keyring", "encryption_key", "targetsecret", "initiatorsecret",
    "auth_key", "ceph_key", "api_token",
    # Networking API: VPNaaS; metadata agent
    "psk", "metadata_proxy_shared_secret",
    # Object Storage API v1: temporary URLs, form uploads; S3 and EC2 presigned requests (Orchestration's signals)
    "temp_url_sig", "temp_url_key", "x-amz-signature", "x-amz-credential", "awsaccesskeyid",
    # Key Manager API: what it keeps
    "payload", "private_key_passphrase", "trans_wrapped_session_key",
    # Shared File Systems API: access rules of CephX and of the security services
    "access_key",
    # Bare Metal API: driver_info, config drives
    "ipmi_password", "redfish_password", "ipmi_hex_kg_key", "snmp_community", "snmp_auth_key", "snmp_priv_key",
    # Database, Container Infrastructure, Clustering APIs
    "root_password", "database_password", "kube_service_account_key", "kube_service_account_private_key",
    # oslo.utils, strutils._SANITIZE_KEYS, which oslo.log and the notifications of every service go by
    "admin_password", "new_pass", "secret_uuid", "sys_pswd", "configdrive", "chappassword", "encrypted_key",
    "fernetkey", "sslkey", "passphrase", "cephclusterfsid", "octaviaheartbeatkey", "rabbitcookie",
    "cephmanilaclientkey", "pacemakerremoteauthkey", "designaterndckey", "cephadminkey", "heatauthencryptionkey",
    "cephclientkey", "keystonecredential", "barbicansimplecryptokek", "cephrgwkey", "swifthashsuffix",
    "migrationsshkey", "cephmdskey", "cephmonkey", "chapsecret",
    # configurations, environments and other clouds
    "adminpassword", "new_password", "passwd", "privatekey", "ssh_private_key", "secret_key", "secretkey",
    "secret_access_key", "aws_secret_access_key", "aws_access_key_id", "api_key", "apikey", "key_material",
    "personal_access_token", "transport_url", "database_connection", "pre_shared_key", "shared_secret",
}  # fmt: skip
"""Names in bodies and queries whose value is a secret that somebody chose."""

SECRET_ENDINGS = ("password", "passphrase", "passwd", "_secret")
"""How names end that users choose for a secret: parameters of stacks, ``driver_info``, options of drivers."""

# Key Manager API: GET and PUT of a payload (it may be as short as a preview of bytes). Metadata service: user data
SECRET_PATHS = re.compile(
    r"/v1/secrets/[0-9A-Fa-f-]{32,36}(?:/payload/?|(?P<or_metadata>/?))(?:\?|\Z)|/user[-_]data/?(?:\?|\Z)"
)
"""Paths whose bodies are secrets as a whole, whatever is in them."""
