// Shows a saved draft at once: parts marked data-live are exchanged where they differ; scroll, focus and open lists stay.
(() => {
  const status = document.getElementById("status");
  const parts = (root) => [...root.querySelectorAll("[data-live]")];
  const ids = (list) => list.map((part) => part.id);
  const shown = new Map(parts(document).map((part) => [part.id, part.outerHTML]));
  let version = document.body.dataset.version;
  let turn = 0;

  const say = (text, isLive) => {
    status.textContent = text;
    status.classList.toggle("live", !!isLive);
  };

  const load = async (url) => {
    const answer = await fetch(url);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!fresh.body.dataset.version) throw Error(answer.status);
    return fresh;
  };

  const exchange = (fresh, wanted) => {
    if (!wanted && ids(parts(fresh)).join() !== ids(parts(document)).join()) return location.reload();
    const focus = document.activeElement?.id;
    for (const part of parts(fresh)) {
      if ((wanted && !wanted.includes(part.id)) || shown.get(part.id) === part.outerHTML) continue;
      shown.set(part.id, part.outerHTML);
      document.getElementById(part.id).replaceWith(document.adoptNode(part));
    }
    document.title = fresh.title;
    if (focus && document.activeElement.id !== focus) document.getElementById(focus)?.focus({ preventScroll: true });
  };

  const complete = async (address) => {
    const pending = ids([...document.querySelectorAll("[data-pending]")]);
    if (!pending.length) return;
    if (document.querySelector("ol.code")) pending.push("stage");
    const mine = turn;
    const url = new URL(address);
    url.searchParams.set("wait", "1");
    const fresh = await load(url);
    if (mine === turn) exchange(fresh, pending);
  };

  const show = async (address) => {
    const mine = ++turn;
    const url = new URL(address);
    url.searchParams.delete("test");
    const fresh = await load(url);
    if (mine !== turn) return;
    version = fresh.body.dataset.version;
    exchange(fresh);
    await complete(url);
  };

  const stumbled = () => say("Something went wrong: reload");

  document.addEventListener("change", (event) => {
    const form = event.target.closest("form.choose");
    if (!form) return;
    const url = new URL(form.action);
    url.search = new URLSearchParams(new FormData(form));
    history.replaceState(null, "", url);
    show(url).catch(stumbled);
  });
  document.documentElement.classList.add("scripts");

  if (document.body.dataset.events) {
    const events = new EventSource(document.body.dataset.events);
    events.onopen = () => say("Live", true);
    events.onerror = () => say("Not connected");
    events.onmessage = (event) => event.data !== version && show(location.href).catch(stumbled);
  }
  complete(location.href).catch(stumbled);
})();
