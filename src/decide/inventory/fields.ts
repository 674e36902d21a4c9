/** An object as JSON.parse gives it. */
type Json = Readonly<Record<string, unknown>>;

/** An object of somebody's JSON, read field by field. Null is a field that is not there, as Go writes it. */
export class Fields {
  /** What stands where something else should, in words: `Ports is a text`. */
  readonly wrong: string[];
  private readonly json: Json;
  private readonly path: string;

  constructor(json: Json, path = '', wrong: string[] = []) {
    this.json = json;
    this.path = path;
    this.wrong = wrong;
  }

  text(key: string): string | undefined {
    return this.take(key, (value) => (typeof value === 'string' ? value : undefined));
  }

  flag(key: string): boolean | undefined {
    return this.take(key, (value) => (typeof value === 'boolean' ? value : undefined));
  }

  list(key: string): readonly unknown[] | undefined {
    return this.take(key, (value) => (Array.isArray(value) ? value : undefined));
  }

  object(key: string): Json | undefined {
    return this.take(key, objectOf);
  }

  /** The object at this key, to be read further; what is wrong in it is told with what is wrong here. */
  part(key: string): Fields | undefined {
    const json = this.object(key);
    return json === undefined ? undefined : new Fields(json, `${this.path}${key}.`, this.wrong);
  }

  /** The values of the object at this key that `read` makes something of; the others are left out, each for itself. */
  map<T>(key: string, read: (value: unknown) => T | undefined): Readonly<Record<string, T>> | undefined {
    const json = this.object(key);
    if (json === undefined) return undefined;
    return Object.fromEntries(
      Object.entries(json).flatMap(([name, value]): [string, T][] => {
        const found = read(value);
        return found === undefined ? [] : [[name, found]];
      }),
    );
  }

  /** As {@link map}, of a list. */
  items<T>(key: string, read: (value: unknown) => T | undefined): readonly T[] | undefined {
    return this.list(key)?.flatMap((value) => {
      const found = read(value);
      return found === undefined ? [] : [found];
    });
  }

  /** Says that a field has to be there. */
  require(key: string): void {
    if ((this.json[key] ?? undefined) === undefined) this.wrong.push(`${this.path}${key} is missing`);
  }

  private take<T>(key: string, read: (value: unknown) => T | undefined): T | undefined {
    const value = this.json[key] ?? undefined;
    if (value === undefined) return undefined;
    const found = read(value);
    if (found === undefined) this.wrong.push(`${this.path}${key} is ${kindOf(value)}`);
    return found;
  }
}

/** As {@link objectOf}, to be read field by field. */
export function fieldsOf(json: unknown): Fields | undefined {
  const object = objectOf(json);
  return object === undefined ? undefined : new Fields(object);
}

/** The object that this is; undefined for whatever else JSON can be. */
export function objectOf(json: unknown): Json | undefined {
  return typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as Json) : undefined;
}

/** What this is, in words. */
export function kindOf(json: unknown): string {
  if (json === undefined) return 'missing';
  if (json === null) return 'null';
  if (Array.isArray(json)) return 'a list';
  if (typeof json === 'string') return 'a text';
  return typeof json === 'object' ? 'an object' : `a ${typeof json}`;
}
