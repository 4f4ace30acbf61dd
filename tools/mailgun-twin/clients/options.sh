# Reads --mailgun-url, --api-key and --domain, for the scripts beside this one; ends with code 2 where one is missing.
usage() {
  echo "usage: $(basename "$0") --mailgun-url URL --api-key KEY [--domain DOMAIN]" >&2
  echo 'Drive a running twin with an official client of Mailgun. To start one:' >&2
  echo '  npm start -- --no-traffic --api-key key-local' >&2
  exit 2
}
mailgun_url='' api_key='' domain=mg.example.com
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || usage
  case $1 in
    --mailgun-url) mailgun_url=${2%/} ;;
    --api-key) api_key=$2 ;;
    --domain) domain=$2 ;;
    *) usage ;;
  esac
  shift 2
done
[ -n "$mailgun_url" ] && [ -n "$api_key" ] || usage

# need PROGRAM: ends with code 3 where it is missing.
need() {
  command -v "$1" >/dev/null && return
  echo "$(basename "$0"): $1 is not installed, so this client was not tried" >&2
  exit 3
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
