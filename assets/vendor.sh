#!/bin/bash
# assets/vendor.sh: fetches what assets/vendor holds, in fixed versions, and checks each package by its hash. To change a
# version, change its line here; the hash is what `npm view NAME@VERSION dist.integrity` says.
set -euo pipefail
cd "$(dirname "$0")"

WAVESURFER="wavesurfer.js@8.0.1 sha512-h0OnRWSVTqIYLSw3/IVrBtsun/xw9L5u4FA3bjfSDTFMX/xswVWS1JwK4fFu3ulmxRUSHg8zQORl6zENG983eg=="
LUCIDE="lucide-static@1.62.0 sha512-WBZA/m2PvkFpMGHDtsBck5P2A9G4ehLlYu4GwwICcmEm1BvYVgj00lCDxKRWLlbMlOibLaiwdQ88G5pHkSWgwA=="
ICONS="play pause rotate-ccw rotate-cw download search copy external-link eye eye-off refresh-cw circle-check circle-x triangle-alert chevron-right chevron-down x phone log-out link activity gauge table keyboard"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

main() {
    rm -rf vendor
    mkdir -p vendor/icons vendor/licences
    package "$WAVESURFER"
    cp "$work/package/dist/wavesurfer.min.js" vendor/
    cp "$work/package/LICENSE" vendor/licences/wavesurfer.js
    package "$LUCIDE"
    for icon in $ICONS; do
        cp "$work/package/icons/$icon.svg" vendor/icons/
    done
    cp "$work/package/LICENSE" vendor/licences/lucide-static
    # No address of a file that is not served.
    sed -i '/^\/\/# sourceMappingURL=/d' vendor/*.js
}

# package "NAME@VERSION HASH": unpacks it into $work/package.
package() {
    local name=${1% *} hash=${1#* } file
    rm -rf "$work/package"
    file=$(cd "$work" && npm pack --silent "$name")
    [ "sha512-$(openssl dgst -sha512 -binary "$work/$file" | base64 --wrap=0)" = "$hash" ] ||
        { echo "$name: its hash is not $hash" >&2; exit 1; }
    tar --extract --gzip --file "$work/$file" --directory "$work"
}

main
