((c) => {
  "use strict";
  var d = document, script = d.currentScript, key = newKey(), timer = 0, wait = 1, form, says, button, captcha;

  function newKey() {
    return crypto.randomUUID ? crypto.randomUUID() : crypto.getRandomValues(new Uint32Array(4)).join();
  }

  function start() {
    var mark = d.querySelector('form input[name="form"][value="' + CSS.escape(c.form) + '"]');
    if (!mark) {
      if (d.head.contains(script)) d.body.append(script);
      script.insertAdjacentHTML("afterend", c.html);
      mark = script.nextElementSibling.querySelector("input");
    }
    form = mark.form;
    button = form.querySelector("button:not([type=button]), [type=submit]");
    says = d.createElement("p");
    says.setAttribute("role", "status");
    form.append(says);
    if (captcha) captcha.start();
    form.noValidate = true;
    form.addEventListener("submit", event => {
      event.preventDefault();
      wait = 1;
      timer ? again() : send();
    });
    addEventListener("online", () => { if (timer) again(); });
    addEventListener("beforeunload", event => { if (timer) event.preventDefault(); });
  }

  function body() {
    var fields = {};
    new FormData(form).forEach((value, name) => {
      if (value.trim) (fields[name] = fields[name] || []).push(value);
    });
    fields.page_url = location.origin + location.pathname;
    new URLSearchParams(location.search).forEach((value, name) => {
      if (/^utm_/.test(name)) fields[name] = value;
    });
    return JSON.stringify(fields);
  }

  function send() {
    clearTimeout(timer);
    timer = 0;
    button.disabled = true;
    says.textContent = c.sending;
    if (captcha && captcha.waits()) return void (timer = setTimeout(send, 1000));
    form.querySelectorAll("[data-problem]").forEach(node => node.remove());
    form.querySelectorAll("[aria-invalid]").forEach(input => {
      input.removeAttribute("aria-invalid");
      input.removeAttribute("aria-describedby");
    });
    fetch(new URL("v1/submissions", script.src), {
      method: "POST",
      credentials: "omit",
      headers: { "Content-Type": "application/json", "Idempotency-Key": key },
      body: body()
    }).then(answer => {
      if (answer.status === 409 || answer.status > 428) throw 0;
      return answer.json().then(told => {
        if (answer.ok) return done(told);
        if (/conflict$/.test(told.type)) {
          key = newKey();
          return again();
        }
        button.disabled = false;
        says.textContent = told.errors ? c.check : told.detail;
        (told.errors || []).forEach(show);
        var bad = form.querySelector("[aria-invalid]");
        if (bad) bad.focus();
      });
    }).catch(() => {
      button.disabled = false;
      says.textContent = c.later;
      wait = Math.min(wait * 2, 30);
      timer = setTimeout(again, wait * 1000);
    });
  }

  function again() {
    if (captcha) captcha.renew();
    send();
  }

  function show(error) {
    var name = error.pointer.slice(1), input = form.elements[name], note = d.createElement("span");
    if (!input || !input.after) return void (says.textContent += " " + error.detail);
    note.textContent = error.detail;
    note.id = "problem-" + name;
    note.dataset.problem = "";
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", note.id);
    (input.closest("label") || input).after(note);
  }

  function done(told) {
    if (!told.crisis && c.next) return location.assign(c.next);
    var panel = d.createElement("section");
    panel.tabIndex = -1;
    panel.setAttribute("role", "alert");
    if (told.crisis) panel.innerHTML = c.crisis;
    panel.append(c.thanks + " " + told.reference);
    form.replaceWith(panel);
    panel.focus();
  }

  CAPTCHA;
  if (d.readyState === "loading") d.addEventListener("DOMContentLoaded", start);
  else start();
})(CONFIG);
