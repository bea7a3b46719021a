import { readFileSync } from 'node:fs';

/** The gid of a group of this device. Throws when there is none of that name. */
export function gidOf(group: string): number {
  const entry = readFileSync('/etc/group', 'utf8')
    .split('\n')
    .map(line => line.split(':'))
    .find(([name]) => name === group);
  if (entry?.[2]) return Number(entry[2]);
  throw new Error(
    `there is no group ${group} in /etc/group: make it with \`groupadd ${group}\`, or leave out --api-group`,
  );
}
