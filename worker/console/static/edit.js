// Lays the editor over the textarea, which stays what the form sends; shows the email while it is typed; warns before leaving.
(() => {
  const area = document.querySelector("textarea[data-language]");
  if (!area) return;
  const show = document.getElementById("show");
  let saved = area.value;
  let timer;

  const preview = () => {
    clearTimeout(timer);
    timer = setTimeout(() => show && area.form.requestSubmit(show), 600);
  };

  // The frame runs nothing and can't say how high its email is; the server says it with each look at what is typed.
  const frame = document.getElementById("typed");
  const fit = () => {
    const { wide, narrow } = document.getElementById("beside").dataset;
    if (frame && wide) frame.height = frame.clientWidth < 480 ? narrow : wide;
  };
  fit();
  document.addEventListener("htmx:after:swap", fit);

  const place = document.createElement("div");
  area.after(place);
  const editor = PrismCodeEditor.open(place, area.dataset.language, area.value, (value) => {
    if (value === area.value) return;
    area.value = value;
    area.dispatchEvent(new Event("input", { bubbles: true }));
  });
  editor.textarea.spellcheck = area.spellcheck;
  editor.textarea.id = area.id;
  area.removeAttribute("id");
  area.hidden = true;
  for (const plain of document.querySelectorAll("[data-plain]")) plain.hidden = true;

  const signedOut = document.getElementById("signed-out");
  document.addEventListener("htmx:before:response", (event) => {
    const isOut = event.detail.ctx.response.status === 403;
    signedOut.hidden = !isOut;
    if (isOut) event.preventDefault(); // what lint said last stays where it is
  });

  area.addEventListener("input", preview);
  area.form.addEventListener("change", (event) => event.target.tagName === "SELECT" && preview());
  area.form.addEventListener("submit", (event) => event.submitter !== show && (saved = area.value));
  addEventListener("beforeunload", (event) => area.value !== saved && event.preventDefault());
})();
