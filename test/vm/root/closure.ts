/** An installed Debian package, as `dpkg-query` tells it. */
export interface InstalledPackage {
  name: string;
  version: string;
  /** Names of what it stands in for. */
  provides: readonly string[];
  /** Each an either-or. */
  depends: readonly (readonly string[])[];
}

/** Format of `dpkg-query -W -f` that parsePackages reads. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query fills these in
export const packageFormat = '${Package}\\t${Version}\\t${Provides}\\t${Depends}, ${Pre-Depends}\\n';

export function parsePackages(text: string): InstalledPackage[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map(line => {
      const [name = '', version = '', provides = '', depends = ''] = line.split('\t');
      return { name, version, provides: relations(provides).flat(), depends: relations(depends) };
    });
}

/** `a (>= 1), b:any | c` is [[a], [b, c]]. */
function relations(text: string): string[][] {
  return text
    .split(',')
    .map(part => part.split('|').map(one => one.replace(/[(:].*/, '').trim()))
    .filter(names => names.some(Boolean));
}

/** Packages with all that they depend on, as far as that is installed. Throws for a wanted one that is not. */
export function closureOf(wanted: readonly string[], installed: readonly InstalledPackage[]): InstalledPackage[] {
  const byName = new Map<string, InstalledPackage>();
  for (const one of installed) for (const name of one.provides) byName.set(name, one);
  for (const one of installed) byName.set(one.name, one);
  const closure = new Map<string, InstalledPackage>();
  const add = (one: InstalledPackage) => {
    if (closure.has(one.name)) return;
    closure.set(one.name, one);
    for (const names of one.depends) {
      const found = names.map(name => byName.get(name)).find(candidate => candidate !== undefined);
      if (found) add(found);
    }
  };
  for (const name of wanted) {
    const found = byName.get(name);
    if (!found) throw new Error(`the Debian package ${name} is not installed: \`apt-get install ${name}\``);
    add(found);
  }
  return [...closure.values()].sort((a, b) => a.name.localeCompare(b.name));
}
