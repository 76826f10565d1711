// SPDX-License-Identifier: Apache-2.0
// A doubly linked list whose links lie in the elements: an element leaves in constant time and
// without memory of its own.
//
// Ownership: none; elements outlive their membership. An element is in at most one list per link.
// Threads: thread-compatible.
#ifndef VAKT_AGENT_ENRICH_INTRUSIVE_LIST_H_
#define VAKT_AGENT_ENRICH_INTRUSIVE_LIST_H_

namespace vakt {

template <typename T>
struct ListLink {
  T* prev = nullptr;
  T* next = nullptr;
};

template <typename T, ListLink<T> T::*link>
class IntrusiveList {
 public:
  bool empty() const { return front_ == nullptr; }
  T* front() const { return front_; }
  T* back() const { return back_; }
  static T* Next(const T* element) { return (element->*link).next; }
  static T* Prev(const T* element) { return (element->*link).prev; }

  void PushBack(T* element) {
    element->*link = {back_, nullptr};
    (back_ == nullptr ? front_ : (back_->*link).next) = element;
    back_ = element;
  }

  void PushFront(T* element) {
    element->*link = {nullptr, front_};
    (front_ == nullptr ? back_ : (front_->*link).prev) = element;
    front_ = element;
  }

  void Remove(T* element) {
    const ListLink<T> old = element->*link;
    (old.prev == nullptr ? front_ : (old.prev->*link).next) = old.next;
    (old.next == nullptr ? back_ : (old.next->*link).prev) = old.prev;
    element->*link = {};
  }

 private:
  T* front_ = nullptr;
  T* back_ = nullptr;
};

}  // namespace vakt

#endif  // VAKT_AGENT_ENRICH_INTRUSIVE_LIST_H_
