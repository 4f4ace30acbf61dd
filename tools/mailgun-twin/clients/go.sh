#!/usr/bin/env bash
# Drives a running twin with Mailgun's client for Go.
set -euo pipefail
. "$(dirname "$0")/options.sh"
need go
cp "$here/go_client.go" "$folder/main.go"
cd "$folder"
# Without it Go's cache of modules could not be removed.
export GOFLAGS='-mod=mod -modcacherw' GOPATH="$folder/go"
go mod init client
go get github.com/mailgun/mailgun-go/v4@v4.23.0
go run . "$mailgun_url" "$api_key" "$domain"
