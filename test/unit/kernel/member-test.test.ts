import { afterEach, describe, expect, it } from 'vitest';
import { MemberTest } from '../../../src/reach/kernel/member-test.ts';

/** Says what `ipset -` says (7.17): on stderr, at once. */
const ipset = `while read -r _ set member; do
  case $set in
    full) echo "Warning: $member is in set $set." >&2;;
    empty) echo "$member is NOT in set $set." >&2;;
    dead) exit 1;;
    silent) ;;
    *) echo "ipset v7.17: The set with the given name does not exist" >&2;;
  esac
done`;

describe('MemberTest', () => {
  let test: MemberTest;
  afterEach(() => test.end());

  it('says what is there, what is not, and what nobody can tell, in the order of the questions', async () => {
    test = new MemberTest(['sh', '-c', ipset]);
    const sets = ['full', 'empty', 'none', 'full'];
    expect(await Promise.all(sets.map(async (set) => test.holds(set, '::/1')))).toEqual([
      true,
      false,
      undefined,
      true,
    ]);
  });

  it('knows nothing while its program is missing, has died or says nothing, and starts it again', async () => {
    test = new MemberTest(['/nonexistent/ipset', '-']);
    expect(await test.holds('full', '::/1')).toBeUndefined();
    test = new MemberTest(['sh', '-c', ipset], 100);
    expect(await test.holds('dead', '::/1')).toBeUndefined();
    expect(await test.holds('full', '::/1')).toBe(true);
    expect(await test.holds('silent', '::/1')).toBeUndefined();
    expect(await test.holds('empty', '::/1')).toBe(false);
  });
});
