import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';

/** Something that may happen to a file, by name. */
export interface Damage {
  name: string;
  do: (file: string) => void;
}

/** Ways in which a power cut, a bad disk, another program or another version leave a file: at `places` offsets over its length, and as a whole. */
export function damages(places: number): Damage[] {
  const change = (edit: (bytes: Buffer) => Buffer) => (file: string) => writeFileSync(file, edit(readFileSync(file)));
  const changeAt = (part: number, edit: (bytes: Buffer, at: number) => Buffer) =>
    change(bytes => edit(bytes, Math.floor((part * bytes.length) / places)));
  const parts = Array.from({ length: places }, (_, part) => part);
  return [
    ...parts.map(part => ({
      name: `cut after ${part}/${places}`,
      do: changeAt(part, (bytes, at) => bytes.subarray(0, at)),
    })),
    ...parts.map(part => ({
      name: `a bit flipped at ${part}/${places}`,
      do: changeAt(part, (bytes, at) => {
        bytes[at]! ^= 1 << (at % 8);
        return bytes;
      }),
    })),
    ...parts.map(part => ({
      name: `zeros from ${part}/${places} on`,
      do: changeAt(part, (bytes, at) => bytes.fill(0, at)),
    })),
    { name: 'more behind its end', do: change(bytes => Buffer.concat([bytes, Buffer.from('x')])) },
    { name: 'twice its content', do: change(bytes => Buffer.concat([bytes, bytes])) },
    { name: 'random bytes', do: change(bytes => Buffer.from(bytes.map((_, at) => (at * 167 + 13) & 0xff))) },
    { name: 'without its first line', do: change(bytes => bytes.subarray(bytes.indexOf(0x0a) + 1)) },
    {
      name: 'of a newer version',
      do: change(bytes => Buffer.from(bytes.toString().replace(/^(\S+ \S+) \d+/, '$1 2'))),
    },
    { name: 'a directory', do: replaced(file => mkdirSync(file)) },
    { name: 'a link elsewhere', do: replaced(file => symlinkSync('/etc/hostname', file)) },
    { name: 'a link to itself', do: replaced(file => symlinkSync(file, file)) },
  ];
}

function replaced(make: (file: string) => void): (file: string) => void {
  return file => {
    rmSync(file, { recursive: true, force: true });
    make(file);
  };
}
