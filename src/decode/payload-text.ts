/** The text that bytes are, for people; null where they are none. A character that is cut at the end does not matter. */
export function payloadText(payload: Uint8Array): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload, { stream: true });
    return hasControls(text) ? null : text;
  } catch {
    return null;
  }
}

/** What no text has: control characters but for the tab and the ends of lines. */
function hasControls(text: string): boolean {
  return /\p{Cc}/u.test(text.replaceAll(/[\t\n\r]/g, ''));
}
