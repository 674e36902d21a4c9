#!/usr/bin/env bash
# scripts/release/publish.sh IMAGE VERSION DIGEST...: makes one image of those that image.sh pushed, signs it without a key (cosign, with the
# identity of whoever runs this), gives it its tags, and prints its digest. What moves along (1.2, 1, latest) moves after the signature only.
set -euo pipefail
cd "$(dirname "$0")/../.."

image=$1 version=$2
shift 2

docker buildx imagetools create --tag "$image:$version" "${@/#/$image@}" >&2
digest=$(docker buildx imagetools inspect "$image:$version" --format '{{.Manifest.Digest}}')
cosign sign --yes --recursive "$image@$digest" >&2

names=$(npm run --silent release -- tags "$version")
mapfile -t tags <<<"$names"
docker buildx imagetools create "${tags[@]/#/--tag=$image:}" "$image@$digest" >&2
echo "$digest"
