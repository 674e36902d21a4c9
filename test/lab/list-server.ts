import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { routerAddress } from './addresses.ts';
import type { Behaviour, Request } from './agent/list-behaviour.ts';
import { configDir } from './dockwall.ts';
import type { Lab } from './lab.ts';
import { nodeBinary } from './paths.ts';
import { until } from './poll.ts';
import { run } from './run.ts';

/** An HTTPS server of lists on the router: `https://lists.example.org`, once a name server says where that is. */
export class ListServer {
  readonly requests: Request[] = [];
  readonly #child: ChildProcess;
  #listening = false;
  #told = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    if (child.stdout) createInterface({ input: child.stdout }).on('line', (line) => this.#hear(line));
  }

  /** @param certificate for which name it has one. */
  static async start(
    lab: Lab,
    { port = 443, certificate = 'lists.example.org' }: { port?: number; certificate?: string } = {},
  ): Promise<ListServer> {
    const pem = await makeCertificate(lab, certificate);
    const program = path.join(import.meta.dirname, 'agent/lists.ts');
    const node = [nodeBinary(), '--disable-warning=ExperimentalWarning', program];
    const [file = '', ...args] = lab.internet.argv([...node, pem, routerAddress.v4, String(port)]);
    const server = new ListServer(spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] }));
    await until({ what: 'the server of lists to listen', ms: 10_000 }, () => server.#listening);
    return server;
  }

  /** From now on, this is what it does at this path. */
  async behave(at: string, behaviour: Behaviour): Promise<void> {
    const before = this.#told;
    this.#child.stdin?.write(`${JSON.stringify({ path: at, behaviour })}\n`);
    await until({ what: 'the server of lists to have heard', ms: 5000, every: 2 }, () => this.#told > before);
  }

  close(): void {
    this.#child.stdin?.end();
  }

  #hear(line: string): void {
    const said = JSON.parse(line) as Partial<Request> & { listening?: true; told?: true };
    if (said.listening) this.#listening = true;
    else if (said.told) this.#told += 1;
    else this.requests.push(said as Request);
  }
}

/** Where the sidecar finds the CA, for NODE_EXTRA_CA_CERTS. */
export const caPath = '/etc/dockwall/ca.pem';

/** A certificate of a CA made for this lab; gives the file with it and its key. */
async function makeCertificate(lab: Lab, name: string): Promise<string> {
  const dir = path.join(lab.disk, 'ca');
  mkdirSync(dir, { recursive: true });
  const at = (file: string): string => path.join(dir, file);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const request = ['openssl', 'req', '-x509', ...key];
  const authority = ['-CA', at('ca.pem'), '-CAkey', at('ca.key')];
  try {
    readFileSync(at('ca.pem'));
  } catch {
    await run([...request, '-keyout', at('ca.key'), '-out', at('ca.pem'), '-subj', '/CN=the CA of a lab']);
    copyFileSync(at('ca.pem'), path.join(configDir(lab), 'ca.pem'));
  }
  const [keyFile, certFile, both] = [at(`${name}.key`), at(`${name}.crt`), at(`${name}.pem`)];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  const leaf = ['-addext', 'basicConstraints=critical,CA:FALSE'];
  await run([...request, ...authority, '-keyout', keyFile, '-out', certFile, ...subject, ...leaf]);
  writeFileSync(both, readFileSync(keyFile, 'utf8') + readFileSync(certFile, 'utf8'));
  return both;
}
