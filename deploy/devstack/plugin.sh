# shellcheck shell=bash
# DevStack plugin: every service that DevStack starts from Python runs under the agent.
#     enable_plugin otel-openstack https://…/otel-openstack
# DevStack sources this file in each of its phases, with the phase in $1 and $2.

OTEL_OPENSTACK_DIR=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)

# DevStack's own environment when it has one for all (GLOBAL_VENV), else the system's Python
function _otel_openstack_python {
    if [[ -n "${DEVSTACK_VENV:-}" && -x "$DEVSTACK_VENV/bin/python3" ]]; then
        echo "$DEVSTACK_VENV/bin/python3"
    else
        command -v "python${PYTHON3_VERSION:-3}"
    fi
}

# The units that DevStack wrote of the services that otel-openstack knows
function _otel_openstack_units {
    "$(_otel_openstack_python)" -m otel_openstack.cli status --root "$OTEL_OPENSTACK_ROOT" | cut -f 1 | grep '^devstack@' || true
}

# Fill the caller's `units`, and its `arguments` with one --service for each; fails when there is none
function _otel_openstack_choose {
    local unit
    mapfile -t units < <(_otel_openstack_units)
    arguments=(--root "$OTEL_OPENSTACK_ROOT")
    for unit in "${units[@]}"; do
        arguments+=(--service "$unit")
    done
    [[ ${#units[@]} -gt 0 ]]
}

function install_otel_openstack {
    pip_install "${OTEL_OPENSTACK_DIR}[reader]"
}

function enable_otel_openstack {
    local -a arguments units
    local attribute
    _otel_openstack_choose || return 0
    arguments+=(--endpoint "$OTEL_OPENSTACK_ENDPOINT")
    for attribute in $OTEL_OPENSTACK_ATTRIBUTES; do
        arguments+=(--attribute "$attribute")
    done
    if [[ "$OTEL_OPENSTACK_DRY_RUN" == "True" ]]; then
        "$(_otel_openstack_python)" -m otel_openstack.cli enable "${arguments[@]}" --dry-run
        return 0
    fi
    sudo "$(_otel_openstack_python)" -m otel_openstack.cli enable "${arguments[@]}"
    # DevStack has started them already
    $SYSTEMCTL daemon-reload
    $SYSTEMCTL restart "${units[@]}"
}

function disable_otel_openstack {
    local -a arguments units
    _otel_openstack_choose || return 0
    sudo "$(_otel_openstack_python)" -m otel_openstack.cli disable "${arguments[@]}"
    $SYSTEMCTL daemon-reload
}

if is_service_enabled otel-openstack; then
    case "${1:-} ${2:-}" in
        "stack install") install_otel_openstack ;;
        # The units are written when the services are started, between post-config and extra
        "stack extra") enable_otel_openstack ;;
        "unstack ") disable_otel_openstack ;;
        "clean ") pip_uninstall otel-openstack ;;
    esac
fi
