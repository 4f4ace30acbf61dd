import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { type Engine, type EngineReply, jsonReply } from './engine.ts';

export interface KmsEngine extends Engine {
  createKey(arn: string, spec: string): void;
}

/** AWS signs messages up to this length; longer ones are signed by their digest. */
const MAX_MESSAGE_BYTES = 4096;

/** KMS with P-256 signing keys, as used for certificates. Signatures are in DER, as in KMS. */
export function createKms(): KmsEngine {
  const keys = new Map<string, { publicKey: KeyObject; privateKey: KeyObject }>();
  return {
    createKey(arn, spec) {
      if (spec !== 'ECC_NIST_P256') throw new Error(`the local stack does not know keys of the kind ${spec}`);
      keys.set(arn, generateKeyPairSync('ec', { namedCurve: 'P-256' }));
    },
    async call(operation, body) {
      const { KeyId, Message = '', MessageType, SigningAlgorithm } = JSON.parse(body.toString('utf8'));
      const key = keys.get(KeyId);
      if (key === undefined) return failure('NotFoundException', `there is no key ${KeyId}`);
      if (operation === 'GetPublicKey') {
        const PublicKey = key.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
        return jsonReply(200, { KeyId, PublicKey, KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }, '1.1');
      }
      if (operation !== 'Sign')
        return failure('UnknownOperationException', `the local stack does not know ${operation}`);
      const message = Buffer.from(Message, 'base64');
      if (MessageType !== 'RAW' || SigningAlgorithm !== 'ECDSA_SHA_256' || message.length > MAX_MESSAGE_BYTES)
        return failure('ValidationException', `up to ${MAX_MESSAGE_BYTES} raw bytes are signed by ECDSA_SHA_256`);
      const Signature = sign('sha256', message, key.privateKey).toString('base64');
      return jsonReply(200, { KeyId, Signature, SigningAlgorithm }, '1.1');
    },
  };
}

function failure(type: string, message: string): EngineReply {
  return jsonReply(400, { __type: type, message }, '1.1');
}
