# Running as the one who may: the service user where root started us, ourselves otherwise.
# shellcheck shell=bash

make_home() {
    if [ -z "$ROOT" ]; then
        write_command
        return
    fi
    id "$SERVICE_USER" >/dev/null 2>&1 ||
        useradd --system --user-group --home-dir "$DATA" --no-create-home --shell /usr/sbin/nologin "$SERVICE_USER"
    install -d -m 0700 -o "$SERVICE_USER" -g "$SERVICE_USER" "$DATA"
    # They hold solutions: for the service user alone, not for everybody with an account on this machine.
    rm -rf "$PREFIX/courses.new"
    cp -R "$CHECKOUT/courses" "$PREFIX/courses.new"
    rm -rf "$PREFIX/courses"
    mv "$PREFIX/courses.new" "$PREFIX/courses"
    chown -R root:"$SERVICE_USER" "$PREFIX/courses"
    chmod -R u=rwX,g=rX,o= "$PREFIX/courses"
    if [ -d "$PREFIX/checkout" ]; then
        chown root:"$SERVICE_USER" "$PREFIX/checkout"
        chmod 0750 "$PREFIX/checkout"
    fi
    write_command
}

# The courses as text: as root the service user's copy.
courses() { if [ -n "$ROOT" ]; then echo "$PREFIX/courses"; else echo "$CHECKOUT/courses"; fi; }

# `passerelle` for the operator: the settings of this installation, and the service user instead of root.
write_command() {
    local home=$DATA
    [ -n "$ROOT" ] || home=$HOME
    mkdir -p "$PREFIX/bin"
    cat >"$PREFIX/bin/passerelle" <<END
#!/bin/sh
# Written by scripts/bootstrap: \`passerelle\` with the settings of this installation, as its service user.
set -eu
cd "$DATA" 2>/dev/null || cd /
set -- env PASSERELLE_DATA="\${PASSERELLE_DATA:-$DATA}" PASSERELLE_LEARNER="$PREFIX/learner" \\
    PASSERELLE_NODE_MODULES="$PREFIX/proxy/node_modules" PASSERELLE_COURSE_SOURCES="$(courses)" HOME="$home" \\
    "$PREFIX/platform/bin/passerelle" "\$@"
[ "\$(id -u)" != 0 ] || exec setpriv --reuid=$SERVICE_USER --regid=$SERVICE_USER --init-groups -- "\$@"
exec "\$@"
END
    chmod 0755 "$PREFIX/bin/passerelle"
}

# as_service HOME COMMAND… : with a clean environment, whoever runs it.
as_service() {
    local home=$1 name kept=()
    shift
    for name in PASSERELLE_PORT PASSERELLE_URL PASSERELLE_DATABASE PASSERELLE_TIMEZONE PASSERELLE_PICTURES TERM LANG TZ CI NO_COLOR COLUMNS; do
        [ -z "${!name:-}" ] || kept+=("$name=${!name}")
    done
    kept+=("HOME=$home" "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
        "PASSERELLE_LEARNER=$PREFIX/learner" "PASSERELLE_NODE_MODULES=$PREFIX/proxy/node_modules")
    if [ -n "$ROOT" ]; then
        exec setpriv --reuid="$SERVICE_USER" --regid="$SERVICE_USER" --init-groups env -i "${kept[@]}" "$@"
    fi
    exec env -i "${kept[@]}" "USER=$(id -un)" "$@"
}

serve() {
    local name given=()
    # All that docs/settings.md names; where things of this installation lie is not a matter of what was set before.
    unset PASSERELLE_LEARNER PASSERELLE_NODE_MODULES
    for name in "${!PASSERELLE_@}"; do given+=("$name=${!name}"); done
    mkdir -p "$DATA"
    cd "$DATA"
    as_service "$DATA" "${given[@]}" PASSERELLE_DATA="$DATA" PASSERELLE_COURSE_SOURCES="$(courses)" \
        "$PREFIX/platform/bin/python" -m passerelle.hub --demo
}

# A Python of the development environment in a checkout it can only read; all it writes lies in a directory of its own.
develop() {
    local scratch=$PREFIX/.scratch
    if [ -n "$ROOT" ]; then
        scratch=$DATA/tests
        install -d -m 0700 -o "$SERVICE_USER" -g "$SERVICE_USER" "$scratch"
    else
        mkdir -p "$scratch"
    fi
    cd "$SOURCES"
    as_service "$scratch" HYPOTHESIS_STORAGE_DIRECTORY="$scratch/hypothesis" PYTEST_ADDOPTS="-o cache_dir=$scratch/pytest" \
        "$PREFIX/dev/bin/python" "$@"
}

# Most of the slow ones wait for hubs and browsers: two processes at least, four at most.
run_tests() {
    local processes
    processes=$(nproc)
    processes=$((processes < 2 ? 2 : processes > 4 ? 4 : processes))
    develop -m pytest --numprocesses "$processes" "$@"
}

run_lint() {
    cd "$CHECKOUT"
    local bin=$PREFIX/dev/bin
    "$bin/ruff" format --check .
    "$bin/ruff" check .
    "$bin/mypy"
    PYTHONPATH=src:. "$bin/lint-imports"
    # What git knows, not what lies about.
    git -c safe.directory="$CHECKOUT" ls-files -z | xargs -0 "$bin/codespell"
}
