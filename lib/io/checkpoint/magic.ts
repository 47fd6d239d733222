/** How files of torch.save before PyTorch 1.6 begin: the pickle of 0x1950a86a20f9469cfc6c. */
export const legacyMagic = Buffer.from('80028a0a6cfc9c46f920', 'hex');

export const zipMagic = Buffer.from('PK\x03\x04', 'latin1');
