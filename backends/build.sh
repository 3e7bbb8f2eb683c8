#!/usr/bin/env bash
# Build one back end, or fetch it: backends/build.sh otelcol-openstack|jaeger|tempo|prometheus|kafka FOLDER
# The modules are pinned: Jaeger's and Tempo's by the go.sum beside this file, the Collector's by collector/builder.yaml,
# Kafka by its pom.xml.
set -euo pipefail
name=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)
root=$(cd "$(dirname "$0")/.." && pwd)
log=$folder/$name.build.log
BUILDER=go.opentelemetry.io/collector/cmd/builder@v0.158.0

say() { printf '==> %s: %s\n' "$name" "$*" >&2; }
fail() { printf 'error: %s\nhint: %s\n' "$1" "$2" >&2; exit 2; }

# Run a command with its output in the log; a terminal sees how far it is
logged() {
    if [ -t 2 ]; then
        "$@" 2>&1 | tee -a "$log" | awk '{ printf "\r    %d packages: %.60s\033[K", NR, $NF; fflush() } END { printf "\r\033[K" }' >&2
    else
        "$@" >>"$log" 2>&1
    fi || { tail -n 20 "$log" >&2; fail "$name cannot be built." "The whole log is $log."; }
}

# Beside its place first, so that what is there is whole
compile() { logged go build -C "$1" -v -trimpath -ldflags='-s -w' -o "$folder/.$name" "$2" && mv "$folder/.$name" "$folder/$name"; }

need_go() {
    command -v go >/dev/null || PATH=$PATH:/usr/local/go/bin
    command -v go >/dev/null || fail "There is no Go, which $name is built with." "Install Go 1.26 or newer: https://go.dev/doc/install."
}

: >"$log"
case $name in
otelcol-openstack)
    need_go
    say "building (some 5 minutes on 2 cores the first time)"
    GOBIN=$folder/tools logged go install -v -trimpath "$BUILDER"
    (cd "$folder" && logged tools/builder --config "$root/collector/builder.yaml" --skip-compilation)
    compile "$folder/collector" .
    ;;
jaeger | tempo)
    need_go
    say "building (some 3 minutes on 2 cores the first time)"
    compile "$root/backends/$name" "$(sed -n 's/^tool //p' "$root/backends/$name/go.mod")"
    ;;
prometheus)
    # Debian's package, unpacked rather than installed: no service is started, and nobody has to be root
    if command -v prometheus promtool >/dev/null; then
        ln -sf "$(command -v prometheus)" "$(command -v promtool)" "$folder/"
        exit
    fi
    command -v apt-get >/dev/null || fail "There is neither Prometheus nor Debian's apt-get." "Install prometheus and promtool."
    say "fetching Debian's package"
    cd "$folder"
    logged apt-get download prometheus
    dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x --strip-components=3 ./usr/bin/prometheus ./usr/bin/promtool
    rm prometheus_*.deb
    touch prometheus promtool
    ;;
kafka)
    command -v java >/dev/null && command -v mvn >/dev/null ||
        fail "There is no Java or no Maven, which $name is fetched with." "Install both: apt-get install default-jre-headless maven."
    say "fetching the broker's jars (some 40 MB)"
    logged mvn --batch-mode --strict-checksums --file "$root/backends/kafka/pom.xml" \
        dependency:copy-dependencies "-DoutputDirectory=$folder/kafka-jars"
    # Started as the others are: kafka CLASS ARGUMENT …
    cat >"$folder/.kafka" <<'LAUNCHER'
#!/bin/sh
exec java -Xmx256m -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$(dirname "$0")/kafka-jars/*" "$@"
LAUNCHER
    chmod +x "$folder/.kafka"
    mv "$folder/.kafka" "$folder/kafka"
    ;;
*) fail "There is no back end $name." "There are otelcol-openstack, jaeger, tempo, prometheus and kafka." ;;
esac
say "is in $folder"
