# What the system must have: found by using it, installed where root or sudo allows, said in one line where not.
# shellcheck shell=bash

LINT_PACKAGES="python3-venv"
# The last four are WeasyPrint's: the review sheet as a PDF.
SERVE_PACKAGES="python3-venv bubblewrap libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core"
TEST_PACKAGES="chromium libfaketime nginx-light postgresql"
NEEDED_MB=3000

need_room() {
    local free_mb
    free_mb=$(df -Pm "$PREFIX" | awk 'NR == 2 {print $4}')
    # Only the first set-up needs the room.
    [ -e "$PREFIX/.stamps/dev" ] || [ -e "$PREFIX/.stamps/platform" ] || [ "$free_mb" -ge "$NEEDED_MB" ] ||
        die "The disk of $PREFIX has $free_mb MB left, $NEEDED_MB MB are needed: make room, or choose another place with PASSERELLE_PREFIX."
}

is_there() {
    case $1 in
        python3-venv)        find_python ;;
        bubblewrap)          command -v bwrap >/dev/null ;;
        chromium)            command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null ;;
        fonts-dejavu-core)   has_font ;;
        libpango-1.0-0)      has_library libpango-1.0.so.0 ;;
        libpangoft2-1.0-0)   has_library libpangoft2-1.0.so.0 ;;
        libharfbuzz-subset0) has_library libharfbuzz-subset.so.0 ;;
        libfaketime)         compgen -G '/usr/lib/*/faketime/libfaketime.so.1' >/dev/null ;;
        nginx-light)         [ -x /usr/sbin/nginx ] ;;
        postgresql)          command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null ;;
    esac
}

# Any font does; without one a PDF has boxes in the place of letters.
has_font() {
    compgen -G '/usr/share/fonts/*/*/*.[to]tf' >/dev/null || compgen -G '/usr/local/share/fonts/*.[to]tf' >/dev/null
}

# As the loader finds it, whatever the name of the package: a newer Debian adds t64 to some.
has_library() {
    find_python && "$PYTHON" -I -c 'import ctypes, sys; ctypes.CDLL(sys.argv[1])' "$1" 2>/dev/null
}

need_system() {
    local package service missing=() as_root=()
    for package in $1; do
        is_there "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    local line="apt-get install -y --no-install-recommends ${missing[*]}"
    if ! command -v apt-get >/dev/null; then
        die "Missing on this system: ${missing[*]}. Install them (these are Debian's names), then run this again."
    fi
    if [ -z "$ROOT" ]; then
        sudo -n true 2>/dev/null || die "Missing on this system: ${missing[*]}. Run this, then start again:  sudo $line"
        as_root=(sudo -n)
    fi
    say "installing ${missing[*]} …"
    # Lists first: on a fresh machine there are none.
    "${as_root[@]}" apt-get update -qq >/dev/null || say "apt-get update did not end well; trying with the lists there are"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive $line -qq >/dev/null ||
        die "This did not end well; run it by hand to see why:  $line"
    # The tests run servers of their own; where there is an init, Debian starts one for the whole machine as well.
    if [ -d /run/systemd/system ]; then
        for service in nginx:nginx-light postgresql:postgresql; do
            [[ " ${missing[*]} " = *" ${service#*:} "* ]] || continue
            "${as_root[@]}" systemctl --quiet disable --now "${service%:*}" ||
                say "${service%:*} runs on this machine now; only the tests need its program"
        done
    fi
    for package in "${missing[@]}"; do
        is_there "$package" || die "$package is installed and still does not work here: see the README's part on this system."
    done
}

# A Python that is new enough, has venv with pip, and can be used by the service user: one under a private home cannot.
find_python() {
    [ -n "${PYTHON:-}" ] && return
    local candidate path
    for candidate in ${PASSERELLE_PYTHON:-python3 /usr/bin/python3 python3.13 python3.12 python3.11 /usr/local/bin/python3}; do
        path=$(command -v "$candidate") || continue
        # A shim (pyenv, asdf) is a script; the environment is made with what it leads to.
        path=$("$path" -c 'import sys; print(getattr(sys, "_base_executable", None) or sys.executable)' 2>/dev/null) || continue
        python_fits "$path" && PYTHON=$path && return
    done
    return 1
}

python_fits() {
    local check='import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))'
    if [ -n "$ROOT" ]; then
        setpriv --reuid=65534 --regid=65534 --clear-groups env -i "$1" -I -c "$check" 2>/dev/null
    else
        "$1" -I -c "$check" 2>/dev/null
    fi
}
