#!/bin/sh
# What a container starts: tidegate, with any of its commands. For `run` it makes tokens first where none are configured, as
# nothing else may be reached from outside of the container: one for people, printed this once, and one for Prometheus.
set -eu

configuration=${CONFIGURATION_DIRECTORY:-/etc/tidegate}/tidegate.yaml
credentials=${CREDENTIALS_DIRECTORY:-/var/lib/tidegate/credentials}
runtime=${RUNTIME_DIRECTORY:-/run/tidegate}

case "${1-}" in
  run) shift ;;
  *) exec tidegate "$@" ;;
esac

# The file of --config, else the one that is mounted where it is looked for.
file=
previous=
for argument in "$@"; do
  case "$previous" in -c | --config) file=$argument ;; esac
  case "$argument" in --config=*) file=${argument#--config=} ;; esac
  previous=$argument
done
if [ -z "$file" ] && [ -e "$configuration" ]; then
  file=$configuration
  set -- --config "$file" "$@"
fi

# Whether a variable, a credential or the file (its comments apart) says who may ask.
configured() {
  [ -n "${TIDEGATE_HTTP_TOKENS-}${TIDEGATE_HTTP_ALLOW_ANONYMOUS-}" ] && return
  [ -e "$credentials/http_tokens" ] && return
  [ -e "$file" ] && sed 's/#.*//' "$file" | grep -Eq '(^|[[:space:],{])(tokens|allow_anonymous):'
}

# `token create --json` answers {"token":"tg_...", and then what the configuration wants to know.
token_of() { printf '%s' "$1" | sed 's/^{"token":"\([^"]*\)".*/\1/'; }
item_of() { printf '%s' "$1" | sed 's/^{"token":"[^"]*",/{/'; }

if ! configured; then
  umask 077
  mkdir -p "$credentials"
  made=$(tidegate token create container --scope operator --json)
  items=$(item_of "$made")
  # A folder of its own, which only Prometheus sees too.
  if [ -w "$runtime" ]; then
    scraper=$(tidegate token create prometheus --json)
    items="$items,$(item_of "$scraper")"
    (umask 022 && token_of "$scraper" >"$runtime/prometheus-token")
  fi
  # Whole or not at all: whoever is stopped here begins anew.
  printf '[%s]\n' "$items" >"$credentials/http_tokens.new"
  mv "$credentials/http_tokens.new" "$credentials/http_tokens"
  echo 'Made a token for the API, scope operator. It is shown only now, and kept nowhere:'
  echo "  $(token_of "$made")"
  echo "To have another one made, delete $credentials/http_tokens and start again."
fi

exec tidegate run "$@"
