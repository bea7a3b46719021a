import assert from 'node:assert/strict';
import { readConfigText } from '../../../../shared/config/index.ts';
import type { DeviceConfig, Issue, ReadResult } from '../../../../shared/config/model.ts';

/** One row of a table of bad input: what stands in the document, and the issue that must come of it. */
export interface BadInput {
  title: string;
  document: unknown;
  path: string;
  scope: Issue['scope'];
  reason: RegExp;
  /** What else may be found wrong; default: nothing. */
  others?: string[];
}

export function read(document: unknown): ReadResult {
  return readConfigText(typeof document === 'string' ? document : JSON.stringify(document));
}

/** The model of a document that must have nothing wrong with it. */
export function readValid(document: unknown): DeviceConfig {
  const { config, issues } = read(document);
  assert.deepEqual(issues, []);
  assert.ok(config);
  return config;
}

/** Checks that the issue is found, complete, refuses what it should, and comes alone. */
export function expectIssue(row: BadInput): ReadResult {
  const result = read(row.document);
  const found = result.issues.find(issue => issue.path === row.path && issue.scope === row.scope);
  assert.ok(found, `no ${row.scope} issue at ${row.path} in ${JSON.stringify(result.issues, null, 1)}`);
  assert.match(found.reason, row.reason);
  assert.notEqual(found.remedy, '');
  assert.ok(found.value.length <= 80);
  const elsewhere = result.issues.filter(issue => issue.path !== row.path && !row.others?.includes(issue.path));
  assert.deepEqual(elsewhere, [], 'nothing else is wrong');
  assert.equal(result.config === undefined, row.scope === 'document');
  if (result.config) expectRefusals(result.config, found);
  return result;
}

/** An issue of a NI or interface stands in that one's own issues, and in no other's. */
function expectRefusals(config: DeviceConfig, issue: Issue): void {
  const nis = config.networkInstances.filter(ni => ni.issues.includes(issue)).length;
  const interfaces = config.apps.flatMap(app => app.interfaces).filter(one => one.issues.includes(issue)).length;
  assert.equal(nis, issue.scope === 'ni' ? 1 : 0);
  assert.equal(interfaces > 0, issue.scope === 'interface');
}
