/** Where pictures are looked at: how near, and at which place. Several that are compared share one. */

const NEAREST = 16;

export class Camera {
  constructor() {
    this.fit();
  }

  /** The whole picture, as large as it goes. */
  fit() {
    Object.assign(this, { zoom: 1, u: 0.5, v: 0.5 });
  }

  get fits() {
    return this.zoom === 1;
  }

  /** Where a picture lies in a view, all in pixels of the page. */
  frame(view, picture) {
    const fitted = Math.min(view.width / picture.width, view.height / picture.height);
    const width = picture.width * fitted * this.zoom;
    const height = picture.height * fitted * this.zoom;
    return { left: along(view.width, width, this.u), top: along(view.height, height, this.v), width, height };
  }

  /** Comes so many times nearer, to a place of the view that stays where it is. */
  near(times, view, picture, x = view.width / 2, y = view.height / 2) {
    const before = this.frame(view, picture);
    const least = Math.min(1, this.real(view, picture));
    this.zoom = Math.min(NEAREST * Math.max(1, this.real(view, picture)), Math.max(least, this.zoom * times));
    const { width, height } = this.frame(view, picture);
    this.u = ((x - before.left) / before.width) + (view.width / 2 - x) / width;
    this.v = ((y - before.top) / before.height) + (view.height / 2 - y) / height;
    this.#settle(view, picture);
  }

  /** Moves the picture by so many pixels of the page. */
  move(x, y, view, picture) {
    const { width, height } = this.frame(view, picture);
    this.u -= x / width;
    this.v -= y / height;
    this.#settle(view, picture);
  }

  /** The zoom at which one pixel of a picture is one of the screen. */
  real(view, picture) {
    return 1 / Math.min(view.width / picture.width, view.height / picture.height) / devicePixelRatio;
  }

  /** Keeps the place within what can be shown, so that it moves at once when it is turned back. */
  #settle(view, picture) {
    const { left, top, width, height } = this.frame(view, picture);
    this.u = (view.width / 2 - left) / width;
    this.v = (view.height / 2 - top) / height;
  }
}

/** Where a length begins in a view, if the place `share` of it is to be in the middle and no gap is left. */
function along(view, length, share) {
  if (length <= view) return (view - length) / 2;
  return Math.min(0, Math.max(view - length, view / 2 - share * length));
}
