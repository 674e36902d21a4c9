import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { DockerEvent } from '../../../src/reach/docker/client.ts';
import { readEvents } from '../../../src/reach/docker/events.ts';

/** As 20.10 (with the old fields) and 29 (without) write them. */
const old =
  '{"status":"create","id":"abc","from":"x","Type":"container","Action":"create","Actor":{"ID":"abc","Attributes":{}},"time":1}';
const recent = '{"Type":"network","Action":"connect","Actor":{"ID":"def","Attributes":{"container":"abc"}}}';

describe('readEvents', () => {
  it('reads one event a line, split anywhere, and passes over what is none', async () => {
    const stream = new PassThrough();
    const events: DockerEvent[] = [];
    const reading = readEvents(stream, (event) => events.push(event));
    const odd = [
      'not json',
      '{"Type":"container"}',
      'null',
      '5',
      '[]',
      '{"Type":5,"Action":{},"Actor":null}',
    ];
    const text = `${old}\n\n${odd.join('\n')}\n${recent}\n`;
    for (const piece of text.match(/[\s\S]{1,17}/g) ?? []) stream.write(piece);
    stream.end();
    await reading;
    expect(events).toEqual([
      { type: 'container', action: 'create', id: 'abc' },
      { type: 'network', action: 'connect', id: 'def' },
    ]);
  });

  it('passes over what was not asked for: a proxy may hand on the execs and health checks of a busy host', async () => {
    const stream = new PassThrough();
    const events: DockerEvent[] = [];
    const reading = readEvents(stream, (event) => events.push(event));
    for (const action of [
      'exec_create: sh -c true',
      'exec_start: sh',
      'exec_die',
      'health_status: healthy',
      'top',
    ])
      stream.write(`{"Type":"container","Action":"${action}","Actor":{"ID":"abc"}}\n`);
    stream.end(`${recent}\n`);
    await reading;
    expect(events.map(({ action }) => action)).toEqual(['connect']);
  });

  it('rejects when the stream breaks', async () => {
    const stream = new PassThrough();
    const reading = readEvents(stream, () => {});
    stream.destroy(new Error('read ECONNRESET'));
    await expect(reading).rejects.toThrow('ECONNRESET');
  });
});
