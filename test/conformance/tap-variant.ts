import { parseDocument } from 'yaml';

/** A config in which an app is a guest on TAP VIFs. Throws when it has no such app. */
export function onTap(config: string, app: string): string {
  const document = parseDocument(config);
  const apps = document.get('apps') as {
    items: { get(key: string): unknown; set(key: string, value: unknown): void }[];
  };
  const found = apps.items.find(item => item.get('name') === app);
  if (!found) throw new Error(`the config has no app ${app}`);
  found.set('attach', { tap: true });
  return document.toString();
}
