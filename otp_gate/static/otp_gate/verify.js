/*
 * Counts down, and stops a second click. The page works without it, and it sends nothing: a code that
 * is submitted by script on the sixth digit costs an attempt for every slip of the finger.
 */
"use strict";

(() => {
  const page = document.documentElement;
  const started = Date.now();
  const oneSubmission = 5000;

  const find = (name) => document.querySelector(`[data-otp-gate-${name}]`);

  /* Against the wall clock, not by counting ticks: a sleeping laptop and a hidden tab skip ticks. */
  const secondsLeft = (element, name) => {
    const seconds = Number(element.getAttribute(`data-otp-gate-${name}`));
    return Math.max(0, Math.ceil(seconds - (Date.now() - started) / 1000));
  };

  const inUnit = (number, unit, unitDisplay) => {
    const options = { style: "unit", unit, unitDisplay };
    try {
      return new Intl.NumberFormat(page.lang, options).format(number);
    } catch {
      return new Intl.NumberFormat("en", options).format(number);
    }
  };

  const inWords = (seconds) => {
    if (seconds < 60) {
      return inUnit(seconds, "second", "long");
    }
    if (seconds < 3600) {
      const minutes = inUnit(Math.floor(seconds / 60), "minute", "short");
      return `${minutes} ${inUnit(seconds % 60, "second", "short")}`;
    }
    const hours = inUnit(Math.floor(seconds / 3600), "hour", "short");
    return `${hours} ${inUnit(Math.floor((seconds % 3600) / 60), "minute", "short")}`;
  };

  const countDown = (name, atZero) => {
    const element = find(name);
    if (!element) {
      return;
    }
    const text = element.querySelector("[data-otp-gate-time]");
    let timer = 0;
    const tick = () => {
      const seconds = secondsLeft(element, name);
      if (text) {
        text.textContent = inWords(seconds);
      }
      if (seconds === 0) {
        window.clearInterval(timer);
        atZero(element);
      }
      return seconds;
    };
    if (tick() > 0) {
      timer = window.setInterval(tick, 250);
    }
  };

  const another = find("another");
  if (another) {
    another.disabled = another.hasAttribute("data-otp-gate-countdown") && find("resend") !== null;
  }

  countDown("resend", (wait) => {
    wait.hidden = true;
    const hint = find("hint");
    if (hint) {
      hint.hidden = false;
    }
    if (another) {
      another.disabled = false;
      another.hidden = false;
    }
    if (another && !find("expires")) {
      another.classList.remove("otp-gate-button-quiet");
    }
  });

  countDown("expires", () => {
    const notice = find("time-up");
    if (notice) {
      notice.hidden = false;
    }
    /* Only the look changes. The server judges a code, not a clock that anybody can set. */
    if (another) {
      another.classList.remove("otp-gate-button-quiet");
    }
    const check = find("check");
    if (check) {
      check.classList.add("otp-gate-button-quiet");
    }
  });

  const forms = document.querySelectorAll("[data-otp-gate-form]");

  const release = () => {
    for (const form of forms) {
      form.removeAttribute("data-otp-gate-sent");
      form.removeAttribute("aria-busy");
    }
  };

  for (const form of forms) {
    form.addEventListener("submit", (event) => {
      if (form.hasAttribute("data-otp-gate-sent")) {
        event.preventDefault();
        return;
      }
      form.setAttribute("data-otp-gate-sent", "");
      form.setAttribute("aria-busy", "true");
      /* Whoever stops a hanging request by hand gets the button back. */
      window.setTimeout(release, oneSubmission);
    });
  }

  /* The back button may bring this page back as it was left: in mid-submission. */
  window.addEventListener("pageshow", release);
})();
