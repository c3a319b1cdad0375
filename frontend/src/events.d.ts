// What htmx, our own events and our editors add to the browser's types.
interface DocumentEventMap {
  autosaved: CustomEvent;
  uploaded: CustomEvent;
  themechange: CustomEvent;
  "htmx:load": CustomEvent;
  "htmx:afterSwap": CustomEvent;
  "htmx:afterSettle": CustomEvent;
  "htmx:configRequest": CustomEvent<{ verb: string; headers: Record<string, string> }>;
  "htmx:beforeRequest": CustomEvent<{ elt: Element }>;
  "htmx:beforeSwap": CustomEvent<{ xhr: XMLHttpRequest; shouldSwap: boolean }>;
}
interface Window {
  htmx: unknown;
}
interface HTMLElement {
  wartaEditor?: {
    view: unknown;
    insert(text: string): void;
    insertPicture?(picture: { url: string; alt: string; width: number; height: number }): void;
  };
}
