/** The certificate that the server shows, followed on disk: whoever renews it replaces the files, and that is all. */

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContext, type Server } from 'node:tls';
import { TidegateError } from '../errors.ts';
import type { Logger } from '../pipeline/types.ts';

/** Paths of PEM files. */
export interface CertificateFiles {
  /** With those that lead to its authority, itself first. */
  readonly cert: string;
  readonly key: string;
}

/** Milliseconds between two looks at the files: a look costs next to nothing, and works behind any kind of link. */
const LOOK_MS = 10_000;

interface Loaded {
  readonly pem: { readonly cert: string; readonly key: string };
  readonly context: SecureContext;
}

export class Certificate {
  readonly #files: () => CertificateFiles;
  readonly #logger: Logger;
  readonly #lookMs: number;
  #loaded: Loaded | null = null;
  /** Why the files could not be taken, once it was logged. */
  #complaint: string | null = null;
  #timer: NodeJS.Timeout | null = null;

  /** `files`: a function is asked at every look. */
  constructor(files: CertificateFiles | (() => CertificateFiles), logger: Logger, lookMs = LOOK_MS) {
    this.#files = typeof files === 'function' ? files : () => files;
    this.#logger = logger;
    this.#lookMs = lookMs;
  }

  /** What a TLS server begins with. Throws `config_invalid` where the files are none, or do not belong together. */
  load(): { readonly cert: string; readonly key: string } {
    try {
      this.#loaded = read(this.#files());
    } catch (error) {
      const detail = `http.tls.cert and http.tls.key cannot be used: ${(error as Error).message}`;
      throw new TidegateError('config_invalid', detail, { cause: error });
    }
    return this.#loaded.pem;
  }

  /** For clients that name the server: it may listen on sockets that `follow` does not know. */
  get context(): SecureContext | undefined {
    return this.#loaded?.context;
  }

  /** New connections see what the files hold; what they hold in vain is logged, and the last good one stays. */
  follow(server: Server): void {
    this.#timer = setInterval(() => this.#look(server), this.#lookMs).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #look(server: Server): void {
    try {
      const found = read(this.#files());
      this.#complaint = null;
      const known = this.#loaded?.pem;
      if (known?.cert === found.pem.cert && known.key === found.pem.key) return;
      server.setSecureContext(found.pem);
      this.#loaded = found;
      const { validTo } = new X509Certificate(found.pem.cert);
      this.#logger.info({ valid_until: validTo }, 'HTTP shows a new certificate');
    } catch (error) {
      const { message } = error as Error;
      if (message === this.#complaint) return;
      this.#complaint = message;
      this.#logger.warn({ error: message }, 'The certificate of HTTP cannot be renewed; the last one stays');
    }
  }
}

/** Throws where one is none, or they do not belong together: files are seen half written, or one of them renewed only. */
function read({ cert, key }: CertificateFiles): Loaded {
  const pem = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  if (!new X509Certificate(pem.cert).checkPrivateKey(createPrivateKey(pem.key))) {
    throw new Error('the key is not that of the certificate');
  }
  return { pem, context: createSecureContext(pem) };
}
