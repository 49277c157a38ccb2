// Follows one marking: asks for the result some times, more and more slowly, then leaves it to «Look again».
"use strict";
(() => {
  const place = document.querySelector("[data-follow]");
  if (!place) return;
  const pauses = [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 5, 5, 5, 5, 10, 10, 10, 10, 15, 15, 20, 30];
  let left = [...pauses];
  // Where several parts of a page follow, each is changed alone, and only where it says something new.
  const show = (parts) => {
    let changed = false;
    for (const part of parts) {
      const here = document.querySelector(`[data-part="${part.dataset.part}"]`);
      if (here && here.innerHTML.trim() !== part.innerHTML.trim()) {
        here.replaceChildren(...part.childNodes);
        changed = true;
      }
    }
    return changed;
  };
  const ask = async () => {
    let text = "";
    try {
      const answer = await fetch(place.dataset.follow, { headers: { "X-XSRFToken": place.dataset.xsrf } });
      if (answer.ok && !answer.redirected) text = await answer.text();
    } catch {
      // A dropped line: the next question may get through.
    }
    const draft = document.createElement("template");
    draft.innerHTML = text;
    const found = draft.content.querySelector("[data-state]");
    const waits = !found || found.dataset.state === "waiting";
    const parts = draft.content.querySelectorAll("[data-part]");
    if (parts.length) {
      // It moves: it is worth asking on.
      if (show(parts)) left = pauses.slice(8);
    } else if (!waits) {
      place.replaceChildren(draft.content);
    }
    if (waits) next();
  };
  const next = () => {
    const pause = left.shift();
    if (pause) setTimeout(ask, pause * 1000);
  };
  next();
})();
