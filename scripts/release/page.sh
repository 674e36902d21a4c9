#!/usr/bin/env bash
# scripts/release/page.sh OWNER/REPOSITORY VERSION IMAGE PRERELEASE: makes the page of a release on GitHub, with what CHANGELOG.md says of it and
# the files that name its image. PRERELEASE is true or false. Needs gh, and the tag in the repository.
set -euo pipefail
cd "$(dirname "$0")/../.."

repository=$1 version=$2 image=$3 prerelease=$4
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT

npm run --silent release -- notes "$version" --repository "$repository" >"$folder/notes.md"
names=$(npm run --silent release -- assets "$folder/assets" --image "$image")
mapfile -t assets <<<"$names"
gh release create "v$version" --repo "$repository" --verify-tag --title "dockwall $version" \
  --notes-file "$folder/notes.md" --prerelease="$prerelease" "${assets[@]}"
