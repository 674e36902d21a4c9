/** What a verb has from outside. */
export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** One text to standard output, a newline after it. */
  readonly print: (text: string) => void;
  /** The same to standard error. */
  readonly complain: (text: string) => void;
  /** The terminal that standard output is; undefined for a file or a pipe. */
  readonly screen?: { readonly rows: number; readonly columns: number } | undefined;
}

/** The folder of the daemon's socket. */
export function runtimeFolder(env: Context['env']): string {
  return env['DOCKWALL_RUNTIME_DIR'] ?? '/run/dockwall';
}

export function healthSocket(env: Context['env']): string {
  return `${runtimeFolder(env)}/dockwall.sock`;
}
