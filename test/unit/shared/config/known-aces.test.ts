import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfigText } from '../../../../shared/config/index.ts';
import { keyOfAce, knownAce } from '../../../../shared/config/native/known-aces.ts';

/** A device with one app; `type` of its network instance. */
function read(acl: object[], type = 'local') {
  const networkInstances = [{ name: 'n', type, port: 'eth0', ...(type === 'local' && { subnet: '10.1.0.0/24' }) }];
  return readConfigText(
    JSON.stringify({ networkInstances, apps: [{ name: 'a', interfaces: [{ networkInstance: 'n', acl }] }] }),
  );
}

const issuesOf = (result: ReturnType<typeof read>) => result.issues.map(({ path, reason }) => `${path}: ${reason}`);
const aclOf = (result: ReturnType<typeof read>) => result.config?.apps[0]?.interfaces[0]?.acl;

test('a config that is read again gives the same, and what is new in it is checked', () => {
  const acl = [{ ip: '192.0.2.0/24', protocol: 'tcp', fport: 443 }, { drop: true }];
  const first = read(acl);
  assert.deepEqual(issuesOf(first), []);
  assert.deepEqual(read(acl), first);
  const wrong = read([...acl, { ip: '192.0.2.300' }]);
  assert.deepEqual(issuesOf(wrong), ['apps[0].interfaces[0].acl[2].ip: is neither an IP address nor a subnet']);
  assert.deepEqual(issuesOf(read([...acl, { ip: '192.0.2.300' }])), issuesOf(wrong), 'also the second time');
});

test('an ACE without a flaw is known at its place', () => {
  const [right, wrong] = [{ ip: '192.0.2.77' }, { ip: 77 }];
  read([right, wrong]);
  const isKnown = (given: object, index: number) =>
    knownAce(keyOfAce(given, `apps[0].interfaces[0].acl[${index}]`)) !== undefined;
  assert.deepEqual([isKnown(right, 0), isKnown(right, 1), isKnown(wrong, 1)], [true, false, false]);
});

test('an ACE that moved gets the id of its new place', () => {
  const [one, two] = [{ ip: '192.0.2.1' }, { ip: '192.0.2.2' }];
  read([one, two]);
  assert.deepEqual(
    aclOf(read([two, one]))?.map(({ id, match }) => [id, match.ip]),
    [
      [1, '192.0.2.2'],
      [2, '192.0.2.1'],
    ],
  );
});

test('what an ACE may be in one network instance is refused in another one, though it was read before', () => {
  for (const given of [{ host: 'github.com' }, { eidset: true }, { portmap: 80, lport: 8080, protocol: 'tcp' }]) {
    assert.deepEqual(issuesOf(read([given])), []);
    assert.equal(issuesOf(read([given], 'switch')).length, 1, JSON.stringify(given));
    assert.deepEqual(issuesOf(read([given])), []);
    const [moved = ''] = issuesOf(read([{ drop: true }, given], 'switch'));
    assert.match(moved, /^apps\[0\]\.interfaces\[0\]\.acl\[1\]/, 'at its new place');
  }
});

test('YAML numbers that JSON has no text for are not taken for something else', () => {
  const text = (port: string) =>
    `{networkInstances: [{name: n, port: eth0, subnet: 10.1.0.0/24}], apps: [{name: a, interfaces: [{networkInstance: n, acl: [{protocol: tcp, fport: ${port}}]}]}]}`;
  assert.deepEqual(readConfigText(text('null')).issues, []);
  assert.equal(readConfigText(text('.nan')).issues.length, 1);
});
