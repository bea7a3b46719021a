/** Raw frames, built byte by byte: what a kernel of good manners would not send. */

export const BROADCAST = 'ff:ff:ff:ff:ff:ff';

const bytesOf = (mac: string) => Buffer.from(mac.replaceAll(':', ''), 'hex');
const ipv4Bytes = (address: string) => Buffer.from(address.split('.').map(Number));

/** An Ethernet frame; `type` as 0x0800. */
export function frame(to: string, from: string, type: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(type);
  return Buffer.concat([bytesOf(to), bytesOf(from), head, payload]);
}

/** ARP for IPv4 on Ethernet; operation 1: request, 2: reply. */
export function arp(operation: number, sender: string, senderIp: string, target: string, targetIp: string): Buffer {
  const head = Buffer.from([0, 1, 8, 0, 6, 4, 0, operation]);
  return Buffer.concat([head, bytesOf(sender), ipv4Bytes(senderIp), bytesOf(target), ipv4Bytes(targetIp)]);
}

/** An IPv4 datagram of UDP, without UDP checksum. */
export function udp4(source: string, destination: string, ports: [from: number, to: number], payload: Buffer): Buffer {
  const header = Buffer.alloc(28);
  header[0] = 0x45;
  header.writeUInt16BE(28 + payload.length, 2);
  header[8] = 64;
  header[9] = 17;
  ipv4Bytes(source).copy(header, 12);
  ipv4Bytes(destination).copy(header, 16);
  header.writeUInt16BE(checksum(header.subarray(0, 20)), 10);
  header.writeUInt16BE(ports[0], 20);
  header.writeUInt16BE(ports[1], 22);
  header.writeUInt16BE(8 + payload.length, 24);
  return Buffer.concat([header, payload]);
}

/** A DHCP answer with these options, from option 53 on. */
export function dhcpAnswer(mac: string, given: string, options: readonly number[]): Buffer {
  const message = Buffer.alloc(240);
  message.set([2, 1, 6, 0]);
  ipv4Bytes(given).copy(message, 16);
  bytesOf(mac).copy(message, 28);
  message.writeUInt32BE(0x63825363, 236);
  return Buffer.concat([message, Buffer.from([...options, 255])]);
}

/** ICMPv6 with its checksum and the hop limit that neighbour discovery demands. */
export function icmp6(source: string, destination: string, message: Buffer): Buffer {
  const header = Buffer.alloc(40);
  header[0] = 0x60;
  header.writeUInt16BE(message.length, 4);
  header[6] = 58;
  header[7] = 255;
  const [from, to] = [ipv6Bytes(source), ipv6Bytes(destination)];
  from.copy(header, 8);
  to.copy(header, 24);
  const pseudo = Buffer.alloc(8);
  pseudo.writeUInt32BE(message.length, 0);
  pseudo[7] = 58;
  const summed = Buffer.from(message);
  summed.writeUInt16BE(0, 2);
  summed.writeUInt16BE(checksum(Buffer.concat([from, to, pseudo, summed])), 2);
  return Buffer.concat([header, summed]);
}

/** A router advertisement that says to be a router for half an hour. */
export function routerAdvertisement(): Buffer {
  return Buffer.from([134, 0, 0, 0, 64, 0, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0]);
}

/** A neighbour solicitation for an address. */
export function neighbourSolicitation(target: string): Buffer {
  return Buffer.concat([Buffer.from([135, 0, 0, 0, 0, 0, 0, 0]), ipv6Bytes(target)]);
}

function ipv6Bytes(address: string): Buffer {
  const [head = '', tail = ''] = address.split('::');
  const groups = (text: string) => text.split(':').filter(Boolean);
  const missing = 8 - groups(head).length - groups(tail).length;
  const all = address.includes('::') ? [...groups(head), ...Array(missing).fill('0'), ...groups(tail)] : groups(head);
  return Buffer.from(all.map(group => String(group).padStart(4, '0')).join(''), 'hex');
}

function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) + (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
