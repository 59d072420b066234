/** The picture on the stage: the photo below, the painting above it, and a divider that wipes between them. */

const STEP = 2;
const LARGE_STEP = 10;

export class PictureView {
  constructor(parts) {
    this.parts = parts;
    this.split = 0;
    this.remembered = 100;
    const { divider } = parts;
    divider.addEventListener("pointerdown", (event) => this.#drag(event));
    divider.addEventListener("keydown", (event) => this.#press(event));
    this.wipe(0);
  }

  /** Shows a new photo, not painted yet. */
  showPhoto(photo) {
    const { sheet, before, after } = this.parts;
    sheet.style.setProperty("--ratio", photo.width / photo.height);
    draw(before, photo.canvas);
    draw(after, photo.canvas);
    before.setAttribute("aria-label", `The photo ${photo.name}`);
    sheet.hidden = false;
    this.wipe(0);
    if (this.zoomed) this.zoom();
  }

  showPainting(bitmap, title) {
    draw(this.parts.after, bitmap);
    this.parts.after.setAttribute("aria-label", `The photo painted as ${title}`);
  }

  /** Shows the photo in so many percent from the left. */
  wipe(percent) {
    this.split = Math.min(100, Math.max(0, percent));
    const { sheet, divider } = this.parts;
    sheet.style.setProperty("--split", `${this.split}%`);
    divider.setAttribute("aria-valuenow", Math.round(this.split));
    divider.setAttribute("aria-valuetext", `${Math.round(this.split)} percent photo`);
    this.parts.flip.setAttribute("aria-pressed", this.split === 100);
  }

  /** From the painting, or any place of the divider, to the photo, and back to where it was. */
  flip() {
    if (this.split === 100) this.wipe(this.remembered === 100 ? 0 : this.remembered);
    else {
      this.remembered = this.split;
      this.wipe(100);
    }
  }

  get zoomed() {
    return this.parts.stage.classList.contains("zoomed");
  }

  /** Between the whole picture and one pixel of it on each of the screen's, as far as the browser holds it. */
  zoom() {
    const { stage, zoom, before } = this.parts;
    const zoomed = stage.classList.toggle("zoomed");
    zoom.setAttribute("aria-pressed", zoomed);
    stage.style.setProperty("--full", before.width / devicePixelRatio);
    stage.scrollTo((stage.scrollWidth - stage.clientWidth) / 2, (stage.scrollHeight - stage.clientHeight) / 2);
  }

  /** The long side that fills the stage, in the screen's own pixels. */
  get screenPx() {
    const { clientWidth, clientHeight } = this.parts.sheet;
    return Math.max(clientWidth, clientHeight) * devicePixelRatio;
  }

  #drag(event) {
    const { divider, sheet } = this.parts;
    divider.setPointerCapture(event.pointerId);
    const move = ({ clientX }) => {
      const { left, width } = sheet.getBoundingClientRect();
      this.wipe(((clientX - left) / width) * 100);
    };
    divider.addEventListener("pointermove", move);
    divider.addEventListener("lostpointercapture", () => divider.removeEventListener("pointermove", move), {
      once: true,
    });
  }

  #press(event) {
    const large = event.shiftKey ? LARGE_STEP : STEP;
    const places = {
      ArrowRight: this.split + large,
      ArrowUp: this.split + large,
      ArrowLeft: this.split - large,
      ArrowDown: this.split - large,
      PageUp: this.split + LARGE_STEP,
      PageDown: this.split - LARGE_STEP,
      Home: 0,
      End: 100,
    };
    if (!(event.key in places)) return;
    event.preventDefault();
    this.wipe(places[event.key]);
  }
}

function draw(canvas, picture) {
  canvas.width = picture.width;
  canvas.height = picture.height;
  canvas.getContext("2d").drawImage(picture, 0, 0);
}
