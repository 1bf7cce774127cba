// What the page does besides its forms: it waits, and says to whom framed it how it went.
(() => {
  "use strict";
  const page = document.body.dataset;
  const isFramed = window.parent !== window;
  const origins = JSON.parse(page.origins);

  // Messages are JSON strings, for the named origins alone: the browser drops those for any other.
  const send = (type, more) => {
    if (!isFramed) return;
    const message = page.instance ? { type, instanceId: page.instance, ...more } : { type, ...more };
    for (const origin of origins) window.parent.postMessage(JSON.stringify(message), origin);
  };

  for (const button of document.querySelectorAll("[data-close]")) {
    button.hidden = !isFramed;
    button.addEventListener("click", () => send("CLOSE", {}));
  }
  if (page.temporary) send("SUCCESS", { temporary_token: page.temporary });

  for (const form of document.forms) {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) return event.preventDefault();
      const status = form.querySelector("[data-busy]");
      if (!status) return;
      form.dataset.sent = "1";
      status.textContent = status.dataset.busy;
    });
  }
  // Back from another page, the form can be sent again.
  window.addEventListener("pageshow", (event) => event.persisted && location.reload());

  for (const field of document.querySelectorAll("[data-select]")) {
    field.addEventListener("focus", () => field.select());
  }

  const problem = document.getElementById("problem");
  if (problem) problem.focus();

  // The state of the link, until it is another than this page shows: a consent or another browser may have gone on.
  if (!page.poll) return;
  const endsAt = Date.now() + 60 * 60 * 1000;
  let pause = 2000;
  const look = async () => {
    if (Date.now() > endsAt) return;
    try {
      const answer = await fetch("embed/state", {
        method: "POST",
        credentials: "omit",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams({ link_token: page.poll }),
      });
      if (answer.status === 404) return;
      if (answer.ok && String((await answer.json()).version) !== page.version) {
        document.getElementById("go-on").submit();
        return;
      }
    } catch {
      // Offline for a moment: the next look may succeed.
    }
    pause = Math.min(pause * 1.1, 8000);
    setTimeout(look, pause);
  };
  setTimeout(look, pause);
})();
