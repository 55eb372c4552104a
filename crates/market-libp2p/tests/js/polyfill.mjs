// js-libp2p wants Node 22; Node 20 lacks this.
Promise.withResolvers ??= function withResolvers () {
  let resolve, reject
  const promise = new this((good, bad) => { resolve = good; reject = bad })
  return { promise, resolve, reject }
}
