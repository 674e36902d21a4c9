/** What the compose files of a checkout have for the sidecar: an image that is built here, under a name that no registry serves. */
const own = /^(?<indent> +)(?:build: (?<context>\S+).*\n +)?image: dockwall:latest\b.*\n/mu;

/**
 * A compose file of the checkout as the release has it: with the image that was published, and the build as the commented other way.
 * @param image `ghcr.io/owner/dockwall:1.2.3@sha256:...`: the digest is what counts, and what was signed.
 */
export function releasedCompose(text: string, image: string): string {
  if (!own.test(text)) throw new Error('the compose file has no service with `image: dockwall:latest`');
  return text
    .replace(own, (...match) => {
      const { indent, context } = match.at(-1) as { readonly indent: string; readonly context?: string };
      const other = context === undefined ? '' : `${indent}# From a checkout: build: ${context}\n`;
      return `${indent}image: ${image}\n${other}`;
    })
    .replaceAll(/( up -d) --build\b/gu, '$1');
}
