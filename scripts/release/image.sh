#!/usr/bin/env bash
# scripts/release/image.sh IMAGE PLATFORM VERSION: builds the image for one platform, with a list of what is in it (SBOM) and of how it was made
# (provenance), pushes it under its digest only, starts it once, and prints the digest. Needs buildx with the docker-container driver (or
# containerd's image store), a `docker login`, and a machine that runs that platform's programs.
set -euo pipefail
cd "$(dirname "$0")/../.."

image=$1 platform=$2 version=$3
metadata=$(mktemp)
trap 'rm -f "$metadata"' EXIT

docker buildx build \
  --platform "$platform" \
  --sbom=true --provenance=mode=max \
  --label "org.opencontainers.image.title=dockwall" \
  --label "org.opencontainers.image.version=$version" \
  --label "org.opencontainers.image.licenses=Apache-2.0" \
  --label "org.opencontainers.image.source=${GITHUB_SERVER_URL:-https://github.com}/${image#*/}" \
  --label "org.opencontainers.image.revision=${GITHUB_SHA:-$(git rev-parse HEAD)}" \
  --output "type=image,name=$image,push-by-digest=true,name-canonical=true,push=true" \
  --metadata-file "$metadata" \
  . >&2

digest=$(jq --raw-output '."containerimage.digest"' "$metadata")
said=$(docker run --rm --platform "$platform" "$image@$digest" version)
[ "$said" = "dockwall $version" ] || { echo "the image is not dockwall $version, it says: $said" >&2; exit 1; }
echo "$digest"
