/** Found out by ourselves; the message is the whole sentence. */
export class ListProblem extends Error {
  override readonly name = 'ListProblem';
}

/** Why a list could not be loaded, in words: `fetch` says `fetch failed`, and the reason is a cause of the cause. */
export function fetchProblem(error: unknown): string {
  if (error instanceof ListProblem) return error.message;
  const inner = innermost(error);
  const code = inner instanceof Error && 'code' in inner ? String(inner.code) : '';
  const message = inner instanceof Error ? inner.message : String(inner);
  if (isCertificateCode(code)) {
    // an unknown CA, and not a certificate that is bad in itself
    const help = /UNABLE|SELF_SIGNED/u.test(code)
      ? '; NODE_EXTRA_CA_CERTS names a file with further CAs'
      : '';
    return `its certificate cannot be verified: ${message} (${code}${help})`;
  }
  return reasons[code] ?? `loading it failed: ${code === '' ? message : `${message} (${code})`}`;
}

function innermost(error: unknown): unknown {
  if (error instanceof AggregateError && error.errors.length > 0) return innermost(error.errors[0]);
  return error instanceof Error && error.cause !== undefined ? innermost(error.cause) : error;
}

/** Node takes OpenSSL's names for X509_V_ERR_..., and has one of its own. */
function isCertificateCode(code: string): boolean {
  return /CERT|SIGNATURE|ERR_TLS_CERT_ALTNAME/u.test(code);
}

const reasons: Readonly<Record<string, string>> = {
  ENOTFOUND: "its server's name does not resolve",
  EAI_AGAIN: "its server's name does not resolve: no name server answers",
  ECONNREFUSED: 'nothing listens at its server',
  ECONNRESET: 'its server broke the connection off',
  EHOSTUNREACH: 'its server cannot be reached',
  ENETUNREACH: 'its server cannot be reached from this host',
  ETIMEDOUT: 'its server does not answer',
  UND_ERR_CONNECT_TIMEOUT: 'its server does not answer',
  UND_ERR_SOCKET: 'its server broke the connection off',
};
