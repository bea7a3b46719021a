import assert from 'node:assert/strict';
import { test } from 'node:test';
import { domainCovers, hostSetName } from '../../../../netns-manager/acl/host-set.ts';

test('a host set has the same name however the domain is written', () => {
  assert.equal(hostSetName('GitHub.com.', 4), hostSetName('github.com', 4));
  assert.notEqual(hostSetName('github.com', 4), hostSetName('github.org', 4));
});

test('the longest legal domain has a set name of at most 31 characters', () => {
  const longest = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`;
  assert.match(hostSetName(longest, 6), /^host6_[0-9a-f]{16}$/);
});

test('a domain covers itself and its subdomains, not names that merely end alike', () => {
  assert.ok(domainCovers('github.com', 'github.com'));
  assert.ok(domainCovers('github.com', 'api.GitHub.com.'));
  assert.ok(!domainCovers('github.com', 'notgithub.com'));
  assert.ok(!domainCovers('github.com', 'com'));
});
