import { loadCrypto } from '../digest.ts';

const MAGIC = 0x6e627031; // "nbp1"
const VERSION = 1;
/** magic 4, version 1, key length 1, value length 4, SHA-256 32. */
const HEADER_BYTES = 42;
const CHECKSUM_AT = 10;

/** A stored key and value. */
export interface StoredRecord {
  key: string;
  value: Uint8Array;
}

/**
 * A file's content: what it is, how long it is, and a checksum over all the rest, so that a cut, padded or altered file is known.
 *
 *     | magic | version | key length | value length | SHA-256 of all but itself | key | value |
 */
export function encodeRecord(key: string, value: Uint8Array): Buffer {
  const keyLength = Buffer.byteLength(key);
  const record = Buffer.alloc(HEADER_BYTES + keyLength + value.length);
  record.writeUInt32BE(MAGIC, 0);
  record[4] = VERSION;
  record[5] = keyLength;
  record.writeUInt32BE(value.length, 6);
  record.write(key, HEADER_BYTES);
  record.set(value, HEADER_BYTES + keyLength);
  checksum(record).copy(record, CHECKSUM_AT);
  return record;
}

/** Throws an Error that says what is wrong with it. */
export function decodeRecord(record: Buffer): StoredRecord {
  if (record.length === 0) throw new Error('the file is empty');
  if (record.length < HEADER_BYTES) throw new Error(`the file ends after ${record.length} bytes, within its header`);
  if (record.readUInt32BE(0) !== MAGIC) throw new Error('the file does not begin as a record does');
  if (record[4] !== VERSION) throw new Error(`the record's version is ${record[4]}, this is for version ${VERSION}`);
  const keyEnd = HEADER_BYTES + record[5]!;
  const length = keyEnd + record.readUInt32BE(6);
  if (record.length !== length) throw new Error(`the file has ${record.length} bytes instead of ${length}`);
  if (!checksum(record).equals(record.subarray(CHECKSUM_AT, HEADER_BYTES))) throw new Error('the checksum is wrong');
  return { key: record.toString('utf8', HEADER_BYTES, keyEnd), value: record.subarray(keyEnd) };
}

function checksum(record: Buffer): Buffer {
  const hash = loadCrypto().createHash('sha256');
  return hash.update(record.subarray(0, CHECKSUM_AT)).update(record.subarray(HEADER_BYTES)).digest();
}
