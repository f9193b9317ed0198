// SPDX-License-Identifier: Apache-2.0
import type { Sha256 } from '@outrider/domain/kernel/ids';
import type { DigestText } from '@outrider/domain/trust/ports';

/** What must never be written, known as itself or by its digest. */
export interface Hidden {
  readonly secrets: readonly string[];
  /** SHA-256 of tokens: the server keeps no more of them, and still knows one when it sees it. */
  readonly hidden: ReadonlySet<Sha256>;
  readonly digestText: DigestText;
}

const REDACTED = '[redacted]';

/** The user's part of a URL up to its last @: a password may hold an @ that somebody forgot to encode. */
const URL_PASSWORD = /([a-z][a-z0-9+.-]*:\/\/[^\s:/@"\\]*):[^\s"]*@/gi;
const AUTHORIZATION = /\b(bearer|basic)\s+[\w.~+/=-]+/gi;
/** Members of the line that hold a secret whatever it looks like: a name of these, or one that ends with it. */
const SECRET_MEMBER =
  /"(\w*(?:token|password|passwd|secret|privateKey|private_key|authorization|cookie|apiKey|api_key))":"(?:[^"\\]|\\.)*"/gi;
const SECRET_PARAMETER = /\b(password|sslpassword|token|secret|apikey)=[^&\s"]+/gi;
/** Words that may be a token of ours: settleToken takes none shorter. */
const WORD = /[\w.~+/=-]{16,}/g;
/** What our own tokens are made of; the other characters of a word may as well stand beside one. */
const WORD_PART = /[\w-]{16,}/g;

/**
 * A line of the log without secrets. It is the last thing before the line is written, whatever put the secret there: a field,
 * a message of a library, a stack.
 */
export function redactLine(line: string, { secrets, hidden, digestText }: Hidden): string {
  let text = line;
  for (const secret of secrets) {
    for (const form of formsOf(secret)) text = text.replaceAll(form, REDACTED);
  }
  text = text
    .replaceAll(URL_PASSWORD, `$1:${REDACTED}@`)
    .replaceAll(AUTHORIZATION, `$1 ${REDACTED}`)
    .replaceAll(SECRET_MEMBER, `"$1":"${REDACTED}"`)
    .replaceAll(SECRET_PARAMETER, `$1=${REDACTED}`);
  if (hidden.size === 0) return text;
  const isHidden = (word: string) => hidden.has(digestText(word));
  return text.replaceAll(WORD, (word) => {
    if (isHidden(word)) return REDACTED;
    // In a path, after an equals sign or before a full stop: then a part of the word is the token.
    return word.replaceAll(WORD_PART, (part) => (isHidden(part) ? REDACTED : part));
  });
}

/** What of the database's URL must not be written: its password, as it is written there and as it is meant. */
export function secretsIn(databaseUrl: string | undefined): readonly string[] {
  if (databaseUrl === undefined) return [];
  // Up to the last @, which somebody forgot to encode; and as the driver reads it, where a later part holds an @.
  const written = [/^[^:]+:\/\/[^:@]*:(.*)@/.exec(databaseUrl)?.[1], URL.parse(databaseUrl)?.password];
  const passwords = written.flatMap((one) => (one === undefined || one === '' ? [] : [one, decoded(one)]));
  return [...new Set(passwords)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    if (!(cause instanceof URIError)) throw cause;
    // It was not encoded: then it is meant as it is.
    return text;
  }
}

/** As it stands in the line, which is JSON; in JSON inside of that; and in a URL. The longest form first: it holds others. */
function formsOf(secret: string): readonly string[] {
  if (secret === '') return [];
  const inJson = JSON.stringify(secret).slice(1, -1);
  return [JSON.stringify(inJson).slice(1, -1), inJson, encodeURIComponent(secret)];
}
