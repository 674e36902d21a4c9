import { isIPv4 } from 'node:net';

const groups = (text: string): string[] => text.split(':').filter(Boolean);

function addressBytes(ip: string): Buffer {
  if (isIPv4(ip)) return Buffer.from(ip.split('.').map(Number));
  const [head = '', tail = ''] = ip.split('::');
  const zeros = 8 - groups(head).length - groups(tail).length;
  const all = [
    ...groups(head),
    ...Array.from({ length: ip.includes('::') ? zeros : 0 }, () => '0'),
    ...groups(tail),
  ];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

function questionName(query: Buffer): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 };
}

/** The least of a name server: A and AAAA of the names it is given, NXDOMAIN for all others. */
export function answerDns(
  query: Buffer,
  zone: { ttl: number; names: Readonly<Record<string, readonly string[]>> },
): Buffer {
  const { name, end } = questionName(query);
  const type = query.readUInt16BE(end);
  const known = zone.names[name];
  const wanted = (known ?? []).filter((ip) => (type === 1 && isIPv4(ip)) || (type === 28 && !isIPv4(ip)));
  const header = Buffer.alloc(12);
  query.copy(header, 0, 0, 2);
  // answer, authoritative, recursion available as asked; NXDOMAIN is 3
  header.writeUInt16BE(0x8580 | (known ? 0 : 3), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(wanted.length, 6);
  const records = wanted.map((ip) => {
    const data = addressBytes(ip);
    const record = Buffer.alloc(12);
    record.writeUInt16BE(0xc00c, 0); // the name of the question
    record.writeUInt16BE(type, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt32BE(zone.ttl, 6);
    record.writeUInt16BE(data.length, 10);
    return Buffer.concat([record, data]);
  });
  return Buffer.concat([header, query.subarray(12, end + 4), ...records]);
}
