/** Where guests of every cloud look for metadata. Apart from the server, which is loaded late. */
export const METADATA_ADDRESS = '169.254.169.254';
