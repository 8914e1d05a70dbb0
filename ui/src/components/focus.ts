import { useEffect, useState } from "react";

/** For what is shown over a page and then is gone: the focus goes back to where it was, so that keys go on from there. */
export function useFocusBack() {
  const [before] = useState(() => document.activeElement);
  useEffect(
    () => () => {
      // Once it is really gone: until then it holds the focus.
      setTimeout(() => {
        const lost = document.activeElement === null || document.activeElement === document.body;
        if (lost && before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
      });
    },
    [before],
  );
}
